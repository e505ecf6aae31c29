"""The classifiers of the digits pipeline as experiments: each is a run of the stack's tracker, with its learning curve; and a variant that fails."""

from __future__ import annotations

from typing import Annotated

import pandas as pd
from sklearn.base import ClassifierMixin, clone
from sklearn.metrics import accuracy_score

from digits import CLASSIFIERS, load, pick, split
from dovetail import alert, pipeline, step, step_context

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
"""Parts of the training images that a learning curve is made of."""


@step(experiment_tracker=True)
def candidate(
    classifier: str, train: pd.DataFrame, test: pd.DataFrame
) -> tuple[Annotated[ClassifierMixin, "model"], Annotated[float, "accuracy"]]:
    """Train a classifier on more and more images, and log how well it does with each number of them."""
    run = step_context().experiment_run
    run.set_tags({"library": "scikit-learn", "classifier": classifier})
    run.log_params({f"model.{name}": value for name, value in CLASSIFIERS[classifier].get_params().items()})
    features, target = test.drop(columns="target").to_numpy(), test["target"]
    for share in SHARES:
        images = train.head(int(share * len(train)))
        model = clone(CLASSIFIERS[classifier]).fit(images.drop(columns="target").to_numpy(), images["target"].to_numpy())
        accuracy = float(accuracy_score(target, model.predict(features)))
        run.log_metrics({"accuracy": accuracy, "error": 1 - accuracy}, step=len(images))
    return model, accuracy


@pipeline(on_failure=alert)
def candidates(test_size: float = 0.3) -> None:
    """Train the classifiers side by side, each tracked, and pick the best."""
    images = split(load(), test_size=test_size)
    found = candidate.map(list(CLASSIFIERS), train=images.train, test=images.test)
    pick([one.model for one in found], [one.accuracy for one in found])


@step
def validate(images: pd.DataFrame) -> None:
    """Refuse images that are not 16 pixels wide, which those of this data set are not."""
    width = int((len(images.columns) - 1) ** 0.5)
    print(f"{len(images)} images, {width} pixels wide")
    if width != 16:
        raise ValueError(f"images are {width} pixels wide, and the model was trained on 16")


@pipeline(on_failure=alert)
def failing() -> None:
    """Fail, so that somebody is told."""
    validate(load())
