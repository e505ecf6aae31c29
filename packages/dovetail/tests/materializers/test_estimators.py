"""Estimators of scikit-learn come back able to predict, from bytes that run no code."""

from __future__ import annotations

import json
import subprocess
import sys
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from dovetail.materializers import Registry, load, save
from dovetail_artifact_store import LocalArtifactStore
from dovetail_core import ConfigError

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is optional")
pytest.importorskip("skops.io", reason="skops is optional")

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402
from sklearn import compose, ensemble, feature_extraction, linear_model, model_selection, neighbors, pipeline, preprocessing, svm, tree  # noqa: E402
from sklearn.base import BaseEstimator, TransformerMixin  # noqa: E402

X = np.random.default_rng(0).normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)

ESTIMATORS = {
    "linear": lambda: linear_model.LogisticRegression(C=0.5),
    "tree": lambda: tree.DecisionTreeClassifier(random_state=0),
    "forest": lambda: ensemble.RandomForestClassifier(5, random_state=0),
    "histogram boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=3, random_state=0),
    "boosting": lambda: ensemble.GradientBoostingClassifier(n_estimators=3, random_state=0),
    "vectors": lambda: svm.SVC(random_state=0),
    "neighbours": lambda: neighbors.KNeighborsClassifier(),
    "pipeline": lambda: pipeline.make_pipeline(
        compose.make_column_transformer((preprocessing.StandardScaler(), [0, 1]), remainder="passthrough"),
        preprocessing.FunctionTransformer(np.tanh),
        linear_model.SGDClassifier(random_state=0),
    ),
    "search": lambda: model_selection.GridSearchCV(linear_model.RidgeClassifier(), {"alpha": [0.1, 1.0]}, cv=model_selection.KFold(2)),
}


class Shift(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of the project."""

    def fit(self, values: Any, targets: Any = None) -> Any:
        return self

    def transform(self, values: Any) -> Any:
        return values + 1


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_fitted_estimator_predicts_the_same_when_it_comes_back(round_trip: Any, name: str) -> None:
    fitted = ESTIMATORS[name]().fit(X, Y)
    back = round_trip(fitted)
    assert type(back) is type(fitted)
    np.testing.assert_array_equal(back.predict(X), fitted.predict(X))
    assert repr(back.get_params()) == repr(fitted.get_params())


def test_sparse_state_comes_back(round_trip: Any) -> None:
    vectorizer = feature_extraction.text.TfidfVectorizer().fit(["a bee", "see the sea"])
    back = round_trip(pipeline.make_pipeline(vectorizer))
    assert (back.transform(["sea bee"]) != vectorizer.transform(["sea bee"])).nnz == 0
    assert isinstance(round_trip(vectorizer).idf_, np.ndarray)
    assert round_trip(neighbors.KNeighborsClassifier().fit(sparse.csr_matrix(X), Y)).predict(X).shape == (60,)


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name != "search"])  # a search keeps the times that it took
def test_estimators_fitted_alike_have_equal_digests(digest: Any, name: str) -> None:
    assert digest(ESTIMATORS[name]().fit(X, Y)) == digest(ESTIMATORS[name]().fit(X.copy(), Y.copy()))


def test_an_estimator_fitted_alike_in_another_process_has_the_same_digest(digest: Any, tmp_path: Any) -> None:
    code = f"""
import sys
sys.path[:0] = {sys.path!r}
from dovetail.materializers import Registry, save
from dovetail_artifact_store import LocalArtifactStore
from sklearn import ensemble
import numpy as np
X = np.random.default_rng(0).normal(size=(60, 4))
fitted = ensemble.RandomForestClassifier(5, random_state=0).fit(X, (X[:, 0] > 0).astype(int))
print(save(fitted, LocalArtifactStore(path={str(tmp_path)!r}), "a", registry=Registry()).digest)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(ESTIMATORS["forest"]().fit(X, Y))


def test_whether_equal_constants_are_one_object_does_not_change_the_digest(digest: Any) -> None:
    shared = 0.015625
    apart = linear_model.LogisticRegression(C=float("0.015625"), tol=float("0.015625"))
    assert digest(linear_model.LogisticRegression(C=shared, tol=shared)) == digest(apart)


def test_two_parts_that_are_one_object_come_back_as_one(round_trip: Any) -> None:
    shared = linear_model.Ridge()
    back = round_trip(
        pipeline.Pipeline([("a", preprocessing.StandardScaler()), ("b", ensemble.VotingRegressor([("x", shared), ("y", shared)]))])
    )
    first, second = (part for _, part in back["b"].estimators)
    assert first is second


def test_an_estimator_inside_of_a_container_comes_back(round_trip: Any) -> None:
    back = round_trip({"models": (ESTIMATORS["linear"]().fit(X, Y), ESTIMATORS["tree"]().fit(X, Y)), "best": 0})
    assert [type(model).__name__ for model in back["models"]] == ["LogisticRegression", "DecisionTreeClassifier"]


def test_what_is_recorded_says_which_estimator_it_is(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(ESTIMATORS["linear"](), store, "a", registry=registry)
    assert artifact.metadata == {"scikit_learn": sklearn.__version__, "estimator": "LogisticRegression(C=0.5)"}
    assert artifact.type == "sklearn.linear_model._logistic.LogisticRegression"


@pytest.mark.parametrize("holds", [Shift, lambda: preprocessing.FunctionTransformer(json.dumps)], ids=["class", "function"])
def test_what_is_not_of_scikit_learn_is_refused_by_name(holds: Any, store: LocalArtifactStore, registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"it holds .*(Shift|json.*dumps).*allow_pickle"):
        save(pipeline.make_pipeline(holds(), linear_model.Ridge()), store, "a", registry=registry)
    assert list(store.list()) == []


def test_it_is_pickled_where_that_is_allowed(store: LocalArtifactStore, pickling: Registry) -> None:
    artifact = save(pipeline.make_pipeline(Shift(), linear_model.Ridge()).fit(X, Y), store, "a", registry=pickling)
    assert artifact.materializer == "pickle"
    assert load(artifact, store, registry=pickling).predict(X).shape == (60,)


def test_bytes_that_name_what_is_not_trusted_are_not_loaded(store: LocalArtifactStore, registry: Registry) -> None:
    artifact = save(preprocessing.FunctionTransformer(np.tanh), store, "a", registry=registry)
    made = BytesIO()
    with ZipFile(BytesIO(store.read_bytes(artifact.key))) as old, ZipFile(made, "w") as new:
        schema = old.read("schema.json").replace(b'"tanh"', b'"system"').replace(b'"numpy"', b'"os"')
        new.writestr("schema.json", schema)
    info = store.write_bytes(artifact.key, made.getvalue())
    crafted = type(artifact)(**{name: getattr(artifact, name) for name in artifact.__slots__} | {"digest": info.digest, "size": info.size})
    with pytest.raises(ConfigError, match=r"holds os\.system|holds .*system"):
        load(crafted, store, registry=registry)
