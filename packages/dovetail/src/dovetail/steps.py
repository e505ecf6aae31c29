"""Steps: ordinary typed functions that a pipeline can call."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Generic, ParamSpec, TypeVar, overload

from dovetail.graph import StepHandle, building
from dovetail.options import StepOptions, merged
from dovetail.signature import Signature, signature_of
from dovetail_core import InvalidArgument

P = ParamSpec("P")
R = TypeVar("R")
Hook = Callable[..., Any]

_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_LONGEST = 200


class Step(Generic[P, R]):
    """A function that can be a step of a pipeline. Called outside of a pipeline it is just the function.

    In a pipeline, a call takes values and other steps' outputs for the function's arguments, and `after=` steps that must be done before.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str = "",
        options: StepOptions | None = None,
        on_success: Hook | None = None,
        on_failure: Hook | None = None,
        names: Mapping[str, Any] | None = None,
    ) -> None:
        self.function = function
        self.name: str = checked_name(name or function.__name__, "step")
        self.options: StepOptions = options or StepOptions()
        self.on_success = on_success
        self.on_failure = on_failure
        self._names = names
        if "after" in inspect.signature(function).parameters:
            raise InvalidArgument(
                f"step '{self.name}' has an argument called 'after', which in a call is for the steps that must be done before",
                remedy="give it another name",
            )
        functools.update_wrapper(self, function)

    @functools.cached_property
    def signature(self) -> Signature:
        """What the function takes and gives. Raises `ConfigError` if the annotations do not say it."""
        return signature_of(self.function, self._names)

    # Type checkers take a call in a pipeline for the result, so that it may be given to another step. One that has several results is
    # anything to them, since its outputs have names; and so are the arguments of a call with `after`, which is in no function's signature.
    @overload
    def __call__(self: Step[P, tuple[Any, ...]], *args: P.args, **kwargs: P.kwargs) -> Any: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__(self: Step[..., tuple[Any, ...]], *args: Any, after: Any, **kwargs: Any) -> Any: ...
    @overload
    def __call__(self, *args: Any, after: Any, **kwargs: Any) -> R: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        graph = building.get()
        if graph is None:
            return self.function(*args, **kwargs)
        after = kwargs.pop("after", ())
        return graph.add(self, self._named(args, kwargs), _sequence(after))

    @overload
    def map(self: Step[P, tuple[Any, ...]], values: Iterable[Any], /, *, over: str = "", after: Any = (), **fixed: Any) -> list[Any]: ...
    @overload
    def map(self, values: Iterable[Any], /, *, over: str = "", after: Any = (), **fixed: Any) -> list[R]: ...
    def map(self, values: Iterable[Any], /, *, over: str = "", after: Any = (), **fixed: Any) -> list[Any]:
        """Add one call of the step per value, named `step[0]`, `step[1]`, ..., and return their handles.

        A value goes to the argument `over`, by default the first that is not among `fixed`. Only inside a pipeline.
        """
        graph = building.get()
        if graph is None:
            raise InvalidArgument(f"step '{self.name}': map() works only inside a pipeline", remedy="call the step in a loop")
        free = [name for name in self.signature.inputs if name not in fixed]
        if not (over or free):
            raise InvalidArgument(f"step '{self.name}' has no argument left to map over", remedy="leave one argument out of the fixed ones")
        argument = over or free[0]
        before = _sequence(after)
        return [graph.add(self, {argument: value, **fixed}, before, f"{self.name}[{i}]") for i, value in enumerate(values)]

    def with_options(self, *, name: str = "", on_success: Hook | None = None, on_failure: Hook | None = None, **options: Any) -> Step[P, R]:
        """Return the step with other options: those of `StepOptions`, a name, hooks. Unknown ones are refused by name."""
        return Step(
            self.function,
            name=name or self.name,
            options=merged(StepOptions, self.options, options, f"step '{self.name}'"),
            on_success=on_success or self.on_success,
            on_failure=on_failure or self.on_failure,
            names=self._names,
        )

    def _named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        names = list(self.signature.inputs)
        if len(args) > len(names):
            raise InvalidArgument(f"step '{self.name}' takes {len(names)} arguments, and {len(args)} were given", remedy="leave some out")
        positional = dict(zip(names, args, strict=False))
        if twice := sorted(positional.keys() & kwargs.keys()):
            raise InvalidArgument(f"step '{self.name}' is given '{twice[0]}' twice", remedy="give it once")
        return {**positional, **kwargs}

    def __repr__(self) -> str:
        return f"<step {self.name}>"


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...
@overload
def step(
    *, name: str = "", on_success: Hook | None = None, on_failure: Hook | None = None, **options: Any
) -> Callable[[Callable[P, R]], Step[P, R]]: ...
def step(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str = "",
    on_success: Hook | None = None,
    on_failure: Hook | None = None,
    **options: Any,
) -> Any:
    """Make a function a step. `options` are those of `StepOptions`: cache, retries, retry, timeout, resources, isolated, environment ...

    `on_success(context)` and `on_failure(context, failure)` are called after each step that ended so; what they raise is logged.
    """
    names = _local_names(sys._getframe(1))

    def decorate(function: Callable[P, R]) -> Step[P, R]:
        if not inspect.isfunction(function):
            raise InvalidArgument(f"@step takes a function, not {type(function).__name__}", remedy="decorate a function")
        checked = merged(StepOptions, StepOptions(), options, f"step '{name or function.__name__}'")
        return Step(function, name=name, options=checked, on_success=on_success, on_failure=on_failure, names=names)

    return decorate if function is None else decorate(function)


def _local_names(frame: Any) -> Mapping[str, Any] | None:
    """Return the local names where a decorator is used inside a function, since annotations may mean them."""
    return dict(frame.f_locals) if frame.f_code.co_name != "<module>" else None


def _sequence(after: Any) -> Sequence[Any]:
    return list(after) if isinstance(after, (list, tuple)) else [after]


def checked_name(name: str, what: str) -> str:
    """Return a name that can be shown and stored: 1 to 200 bytes, no slash, no control characters. Raises `InvalidArgument`."""
    if not _NAME.fullmatch(name) or len(name.encode()) > _LONGEST or name in (".", ".."):
        raise InvalidArgument(
            f"{name!r} cannot be the name of a {what}", remedy="use 1 to 200 bytes without slashes and control characters"
        )
    return name


@step(name="ask", cache=False, retries=0)
def _approval(
    title: str, body: str, fields: dict[str, str], timeout: float, approvers: list[str], alerter: str, required: bool
) -> Annotated[bool, "approved"]:
    from dovetail.approval import decide
    from dovetail_alerter import Question

    return decide(Question(title, body, fields), timeout, approvers, alerter, required)


def ask(
    title: str | StepHandle,
    *,
    body: Any = "",
    fields: Any = None,
    timeout: float = 3600.0,
    approvers: Sequence[str] = (),
    alerter: str = "",
    required: bool = True,
    name: str = "ask",
    after: Any = (),
) -> StepHandle:
    """Add a step that asks people through an alerter of the stack, and waits for the answer of somebody in `approvers` (empty: anybody).

    Its output `approved` tells the answer. With `required` a rejection, or no answer within `timeout` seconds, fails the step, so that
    nothing after it runs. Who answered what and when is in the step's metadata, as `answer`. It is never cached nor tried again.
    `title`, `body` and `fields` (a mapping of short texts) may be outputs of other steps. Only inside a pipeline.
    """
    graph = building.get()
    if graph is None:
        raise InvalidArgument("ask() works only inside a pipeline", remedy="call it in a function decorated with @pipeline")
    given = {"title": title, "body": body, "fields": {} if fields is None else fields, "timeout": timeout}
    given |= {"approvers": list(approvers), "alerter": alerter, "required": required}
    return graph.add(_approval.with_options(name=name), given, _sequence(after))
