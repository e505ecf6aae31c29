"""A pipeline on the UCI handwritten digits that scikit-learn ships: train several classifiers side by side, and report on the best."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.base import ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, classification_report
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from dovetail import pipeline, step

CLASSIFIERS = {
    "naive bayes": GaussianNB(),
    "nearest neighbours": KNeighborsClassifier(n_neighbors=3),
    "logistic regression": LogisticRegression(max_iter=2000),
    "random forest": RandomForestClassifier(n_estimators=200, random_state=0),
    "support vectors": SVC(gamma=0.001, C=10),
}


@step
def load() -> Annotated[pd.DataFrame, "digits"]:
    """Load 1797 images of 8 x 8 pixels, one a row, with the digit that each shows."""
    data = load_digits(as_frame=True)
    print(f"{len(data.frame)} images of {len(data.feature_names)} pixels")
    return data.frame


@step
def split(digits: pd.DataFrame, test_size: float = 0.3) -> tuple[Annotated[pd.DataFrame, "train"], Annotated[pd.DataFrame, "test"]]:
    """Set a part of the images aside for testing, with every digit in its share."""
    train, test = train_test_split(digits, test_size=test_size, stratify=digits["target"], random_state=0)
    return train, test


@step
def train(classifier: str, images: pd.DataFrame) -> Annotated[ClassifierMixin, "model"]:
    """Train one classifier."""
    return CLASSIFIERS[classifier].fit(images.drop(columns="target").to_numpy(), images["target"].to_numpy())


@step
def evaluate(model: ClassifierMixin, images: pd.DataFrame) -> Annotated[float, "accuracy"]:
    """Return the share of test images that a model recognises."""
    predicted = model.predict(images.drop(columns="target").to_numpy())
    accuracy = float(accuracy_score(images["target"], predicted))
    print(f"{type(model).__name__}: {accuracy:.4f}")
    return accuracy


@step
def pick(
    models: list[ClassifierMixin], accuracies: list[float]
) -> tuple[Annotated[ClassifierMixin, "model"], Annotated[dict[str, float], "ranking"]]:
    """Return the most accurate model, and the accuracy of each."""
    ranking = {type(model).__name__: accuracy for model, accuracy in zip(models, accuracies, strict=True)}
    return models[int(np.argmax(accuracies))], ranking


@step
def confusion(model: ClassifierMixin, images: pd.DataFrame) -> Annotated[Figure, "picture"]:
    """Draw which digits the model takes for which."""
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.add_subplot()
    predicted = model.predict(images.drop(columns="target").to_numpy())
    ConfusionMatrixDisplay.from_predictions(images["target"], predicted, ax=axes, colorbar=False)
    axes.set_title(f"{type(model).__name__} on {len(images)} test images")
    return figure


@step
def report(model: ClassifierMixin, ranking: dict[str, float], images: pd.DataFrame) -> Annotated[str, "report"]:
    """Write down how the classifiers compare, and how the best does on each digit."""
    predicted = model.predict(images.drop(columns="target").to_numpy())
    lines = [f"{name:24} {accuracy:.4f}" for name, accuracy in sorted(ranking.items(), key=lambda item: -item[1])]
    return "\n".join([*lines, "", f"{type(model).__name__}, digit by digit:", classification_report(images["target"], predicted)])


@pipeline
def digits(test_size: float = 0.3) -> None:
    """Train the classifiers side by side, pick the best, and report on it."""
    images = split(load(), test_size=test_size)
    models = train.map(list(CLASSIFIERS), images=images.train)
    accuracies = [evaluate(model, images.test) for model in models]
    best = pick(models, accuracies)
    confusion(best.model, images.test)
    report(best.model, best.ranking, images.test)
