"""Experiments by name: found, made and deleted."""

from __future__ import annotations

from functools import partial
from typing import Any

from dovetail_core import AlreadyExists, InvalidArgument, NotFound
from dovetail_core.forks import Turn
from dovetail_experiment_tracker_mlflow._client import Client

_PAGE = 1000


class Experiments:
    """The experiments of a tracker; ids are remembered, since each call would ask for them."""

    def __init__(self, client: Client, location: str | None) -> None:
        self._client = client
        self._location = location
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._deleting: dict[str, str] = {}
        """Ids of experiments whose deletion may have been done in part, by name."""
        self._turn = Turn()

    def id_of(self, name: str, *, create: bool = True) -> str:
        """Return the id of the experiment of a name, which is made if need be. Raises `NotFound` if it is not to be made."""
        with self._turn.lock:
            known = self._ids.get(name)
        if known is not None:
            return known
        found = self._found(name)
        if found is None and not create:
            raise NotFound(f"there is no experiment {name!r}", remedy="experiments() shows them")
        return self._remember(name, found or self._made(name))

    def name_of(self, number: str) -> str:
        """Return the name of an experiment."""
        with self._turn.lock:
            known = self._names.get(number)
        if known is None:
            known = str(self._client.call(f"experiment {number}", lambda store: store.get_experiment(number)).name)
            self._remember(known, number)
        return known

    def forget(self, name: str) -> None:
        """Ask for an experiment anew."""
        with self._turn.lock:
            self._names.pop(self._ids.pop(name, ""), None)

    def active(self) -> dict[str, str]:
        """Return the names of the experiments that are there, by id."""
        return {experiment.experiment_id: experiment.name for experiment in self._all()}

    def delete(self, name: str) -> None:
        """Delete an experiment. MLflow keeps what is deleted, and its name: it is given another name first."""
        number = self._found(name) or self._deleting.get(name)
        if number is None:
            raise NotFound(f"there is no experiment {name!r}", remedy="experiments() shows them")
        self._deleting[name] = number
        self.forget(name)
        self._client.call(f"experiment {name!r}", lambda store: _renamed(store, number, f"{name} (deleted {number})"))
        self._client.call(f"experiment {name!r}", lambda store: store.delete_experiment(number))
        self._deleting.pop(name, None)

    def _found(self, name: str) -> str | None:
        def ask(store: Any) -> Any:
            return store.get_experiment_by_name(name)

        try:
            found = self._client.call(f"experiment {name!r}", ask)
        except NotFound:
            return None
        return str(found.experiment_id) if found is not None and found.lifecycle_stage == "active" else None

    def _made(self, name: str) -> str:
        try:
            return str(self._client.call(f"experiment {name!r}", lambda store: store.create_experiment(name, self._location, [])))
        except AlreadyExists:
            found = self._found(name)  # somebody else made it, or the answer to an earlier request was lost
            if found is None:
                raise InvalidArgument(
                    f"MLflow has a deleted experiment {name!r}", remedy="restore it there, or delete it for good (mlflow gc)"
                ) from None
            return found

    def _remember(self, name: str, number: str) -> str:
        with self._turn.lock:
            self._ids[name], self._names[number] = number, name
        return number

    def _all(self) -> list[Any]:
        found: list[Any] = []
        token: str | None = None
        while True:
            page = self._client.call("experiments", partial(_page, token))
            found += page
            token = page.token
            if not token:
                return found


def _renamed(store: Any, number: str, name: str) -> None:
    if store.get_experiment(number).lifecycle_stage == "active":
        store.rename_experiment(number, name)


def _page(token: str | None, store: Any) -> Any:
    return store.search_experiments(max_results=_PAGE, page_token=token)
