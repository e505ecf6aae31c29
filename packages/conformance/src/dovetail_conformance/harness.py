"""What a flavor supplies so that its contract can be asked: components on empty namespaces, and access around the flavor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from dovetail_conformance.outcomes import Deviation, Untested
from dovetail_core.component import Component

if TYPE_CHECKING:
    from dovetail_conformance.instruments import Refusal, Turn

T = TypeVar("T")
ENVIRONMENTS = ("embedded", "emulated", "live")


class Harness:
    """Makes components of one flavor on empty namespaces. Each hook that a flavor leaves out makes the rules that need it `untested`.

    A harness lives for one process of a run of the suite, as a context manager: servers are started at its beginning and stopped at
    its end. An author writes `flavor` and `make`, and as many hooks as the backend allows.
    """

    flavor: ClassVar[type[Component]]
    """The class under test. Hooks use this and not the name of a class, so that a variant of it can stand in its place."""
    environment: str = "embedded"
    """`embedded` (the real thing runs here), `emulated` (a stand-in does), or `live` (the service itself)."""
    lacks: Mapping[str, str] = {}
    """Rule -> why this environment cannot show it."""
    deviations: Mapping[str, Deviation] = {}
    """Rule -> why the flavor does not keep it."""
    impatient: Mapping[str, object] = {}
    """Settings with which the flavor gives up within seconds where nobody answers."""
    patience: float = 60.0
    """Seconds within which the most patient call ends, with those settings."""
    processes: bool = True
    """Whether another process sees the same namespace; not so where everything is in memory."""

    def __init__(self, settings: Mapping[str, object] | None = None) -> None:
        self.settings: dict[str, object] = dict(settings or {})
        """What `--config` gave, such as the address of a live service."""
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._entered.close()

    def enter_context(self, context: AbstractContextManager[T]) -> T:
        """Enter what ends with the harness, such as a server, the proxy before it, or a folder; what was entered last ends first.

        It ends in `__exit__`: one that a subclass has calls that of its base.
        """
        return self._entered.enter_context(context)

    def make(self, **config: Any) -> Any:
        """Return a fresh component on an empty namespace; `config` overrides settings."""
        raise NotImplementedError(f"{type(self).__name__} does not make components: implement `make`")

    # Hooks: what is left out makes rules untested

    def second(self, component: Any) -> Any:
        """Return an independent client of the same namespace, in a process of its own; results come back by pickle, iterators as lists."""
        from dovetail_conformance.instruments import Elsewhere

        return Elsewhere(type(component), component.config)

    def raw(self, component: Any) -> Any:
        """Return the side door: access to the component's namespace without the flavor. Its methods are the contract's to say."""
        raise Untested("the harness has no side door (`raw`)")

    @property
    def proxy(self) -> Any:
        """The fault proxy between flavor and backend; components that `make` returned go through it."""
        raise Untested("there is no wire to disturb, or the harness has no `proxy`")

    def commits(self, turn: Turn) -> bool:
        """Tell whether a turn that passes a `TcpProxy` is one that makes the backend change something, by its first piece or its place.

        Of several turns that bring one change about, it is the last: what the backend does when it has heard that is done.
        """
        raise Untested(
            "over TCP, the loss of an answer shows something at turns that change something: name them in the harness's `commits`"
        )

    def answers(self, kind: str, elsewhere: str = "") -> Refusal:
        """Return what the backend answers, in its own protocol, where a `TcpProxy` is to refuse in its place.

        Kinds: `unavailable` (for now), `denied` (for good, for want of a right), `moved` (`elsewhere`, which is HOST:PORT). Raises
        `Untested` for what the protocol does not have.
        """
        raise Untested(f"the wire is not HTTP: what the backend answers where it is {kind} has to be said in the harness's `answers`")

    def syscalls(self, component: Any) -> Any:
        """Return a `SyscallShim` for the directory of a flavor without a wire, which `__enter__` of the harness has entered.

        It disturbs calls of `os`; the built-in `open`, `zipfile`, `tempfile` and C libraries go past it.
        """
        raise Untested("the harness has no `syscalls`")

    def credentials(self, kind: str) -> Any:
        """Return a component with credentials that are `bad`, `expired`, `readonly`, `no_list` or `rotated`."""
        raise Untested(f"the harness has no {kind} credentials")

    def entitled(self, component: Any) -> Any:
        """Return a component on the namespace of the one that `credentials("readonly")` returned, which may write there.

        It makes what calls need that a reader must be refused, such as the object that cannot be moved. None: they are left out.
        """
        return None

    def rotate(self, component: Any) -> None:
        """Replace the credentials of the component that `credentials("rotated")` returned: the old ones end, and new ones are there."""
        raise Untested("the harness cannot `rotate` credentials")

    def census(self, component: Any) -> Mapping[str, int]:
        """Return how many of what is left in the backend that nobody asked for, such as unfinished uploads."""
        raise Untested("the harness has no `census` of the backend")

    # What the suite asks

    def has(self, hook: str) -> bool:
        """Tell whether there is a hook."""
        if hook in ("kill", "second") and getattr(type(self), hook, None) is getattr(Harness, hook, None):
            return self.processes
        if hook in vars(self):
            return vars(self)[hook] is not None
        return getattr(type(self), hook, None) is not getattr(Harness, hook, None)

    @cached_property
    def capabilities(self) -> frozenset[Any]:
        """What the flavor declares, with the config that `make` gives it."""
        with self.make() as component:
            return frozenset(component.capabilities)
