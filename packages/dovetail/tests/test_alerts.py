"""What a run tells people, and what it asks them."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from project_directory import ProjectDirectory

from dovetail import RunFailed, alert, get_run, pipeline, step
from dovetail.steps import ask
from dovetail_alerter import InMemoryAlerter
from dovetail_core import ConfigError, InvalidArgument, NotReady, Unavailable

Alerters = Callable[..., dict[str, InMemoryAlerter]]


@step(cache=False)
def fine() -> int:
    return 1


@step(cache=False)
def broken(x: int) -> int:
    print("about to divide")
    return x // 0


@step(cache=False)
def use(x: int) -> int:
    return x


@pytest.fixture
def alerters(project: ProjectDirectory) -> Iterator[Alerters]:
    """Return a function that puts alerters in memory into the project's stack, by name with their settings."""

    def put(**settings: dict[str, Any]) -> dict[str, InMemoryAlerter]:
        spaces = {name: uuid.uuid4().hex for name in settings}
        lines = ["components:", "  alerter:"]
        for name, chosen in settings.items():
            lines.append(f"    {name}:")
            lines += [f"      {key}: {value!r}" for key, value in {"flavor": "memory", "space": spaces[name], **chosen}.items()]
        lines += ["stacks:", "  told:", "    orchestrator: default", "    artifact_store: default", "    metadata_store: default"]
        lines += [f"    alerter: [{', '.join(settings)}]", "active: told"]
        project.write("dovetail.yaml", "\n".join(lines) + "\n")
        return {name: InMemoryAlerter(space=space) for name, space in spaces.items()}

    yield put


def test_a_failed_run_is_told_with_what_a_person_on_call_needs(alerters: Alerters) -> None:
    told = alerters(ops={}, dev={})

    @pipeline(on_failure=alert)
    def flow() -> None:
        use(broken(fine()))

    with pytest.raises(RunFailed) as raised:
        flow.with_options(run_name="nightly")()
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    for alerter in told.values():
        (sent,) = alerter.outbox
        message = sent.message
        text = f"{message.title}\n{message.body}\n{message.fields}\n{message.details}"
        for expected in (
            "flow failed",
            "nightly",
            "broken",
            "ZeroDivisionError",
            "about to divide",
            "dovetail runs describe nightly",
            "Duration",
        ):
            assert expected in text, expected


def test_a_step_tells_of_itself(alerters: Alerters) -> None:
    told = alerters(ops={})

    @pipeline
    def flow() -> None:
        broken.with_options(on_failure=alert)(fine.with_options(on_success=alert)())

    with pytest.raises(RunFailed):
        flow()
    titles = [sent.message.title for sent in told["ops"].outbox]
    assert titles == ["step fine of flow succeeded", "step broken of flow failed"]
    assert "about to divide" in told["ops"].outbox[-1].message.details


def test_an_alerter_that_fails_is_a_logged_line_and_the_run_keeps_its_own_error(
    alerters: Alerters, caplog: pytest.LogCaptureFixture
) -> None:
    told = alerters(ops={"attempts": 1}, dev={})
    told["ops"].fail(Unavailable("the provider is away"), times=99)

    @pipeline(on_failure=alert)
    def flow() -> None:
        broken(fine())

    with caplog.at_level(logging.ERROR, "dovetail"), pytest.raises(RunFailed, match="ZeroDivisionError"):
        flow()
    assert len(told["dev"].outbox) == 1
    assert any("the provider is away" in record.getMessage() for record in caplog.records if record.levelno == logging.ERROR)


def test_a_misconfigured_alerter_does_not_keep_the_others_from_telling(
    alerters: Alerters, project: ProjectDirectory, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = alerters(ops={}, dev={})
    monkeypatch.setattr(InMemoryAlerter, "setup", _raise_for(told["ops"].config.space, InMemoryAlerter.setup))

    @pipeline(on_failure=alert)
    def flow() -> None:
        broken(fine())

    with caplog.at_level(logging.ERROR, "dovetail"), pytest.raises(RunFailed):
        flow()
    assert len(told["dev"].outbox) == 1
    assert any("'ops' cannot be used" in record.getMessage() for record in caplog.records)


def _raise_for(space: str, setup: Callable[[Any], None]) -> Callable[[Any], None]:
    def changed(self: Any) -> None:
        if self.config.space == space:
            raise ConfigError("no such channel", remedy="choose another")
        setup(self)

    return changed


def test_a_hook_is_no_ordinary_function(project: ProjectDirectory) -> None:
    @pipeline
    def flow() -> None:
        fine()

    run = flow()
    with pytest.raises(NotReady, match="on_failure"):
        alert(run.record)


def test_what_is_approved_goes_on_and_who_said_so_is_recorded(alerters: Alerters) -> None:
    told = alerters(ops={"answer": "Yes", "answered_by": "ada"})

    @pipeline
    def flow() -> None:
        approved = ask("Deploy?", body="to production", approvers=["ada"], timeout=20)
        use(fine(), after=approved)

    run = flow()
    assert run.steps["ask"].outputs["approved"].load() is True
    answer = get_run(run.id).steps["ask"].metadata["answer"]
    assert (answer["approved"], answer["by"], answer["text"], answer["alerter"]) == (True, "ada", "Yes", "ops")
    assert answer["at"].endswith("+00:00")
    assert told["ops"].outbox[0].message.thread == run.id


@pytest.mark.parametrize(("said", "by"), [("no", "ada"), ("yes", "mallory"), ("not yes", "ada")])
def test_nothing_goes_on_without_an_approval(alerters: Alerters, said: str, by: str) -> None:
    alerters(ops={"answer": said, "answered_by": by})

    @pipeline
    def flow() -> None:
        use(fine(), after=ask("Deploy?", approvers=["ada"], timeout=0.3))

    with pytest.raises(RunFailed, match="NotApproved"):
        flow.with_options(run_name="refused", retries=3)()
    run = get_run("refused")
    assert (run.steps["ask"].state.value, run.steps["use"].state.value) == ("failed", "skipped")
    assert run.steps["ask"].record.attempt == 1
    assert run.steps["ask"].metadata["answer"]["approved"] is False


def test_an_answer_that_is_not_required_is_a_value(alerters: Alerters) -> None:
    alerters(ops={"answer": "no", "answered_by": "ada"})

    @step(cache=False)
    def choose(approved: bool) -> str:
        return "new" if approved else "old"

    @step
    def title() -> str:
        return "Take the new one?"

    @pipeline
    def flow() -> None:
        choose(ask(title(), required=False, timeout=20))

    assert flow().steps["choose"].outputs["output"].load() == "old"


def test_the_question_is_asked_by_the_alerter_that_is_named(alerters: Alerters) -> None:
    told = alerters(ops={"answer": "yes"}, dev={"answer": "yes"})

    @pipeline
    def flow() -> None:
        ask("Deploy?", alerter="dev", timeout=20)

    flow()
    assert (len(told["ops"].outbox), len(told["dev"].outbox)) == (0, 1)


def test_a_stack_that_cannot_ask_is_named(project: ProjectDirectory, alerters: Alerters) -> None:
    @pipeline
    def flow() -> None:
        ask("Deploy?")

    with pytest.raises(RunFailed, match="no alerter that can ask"):
        flow()
    alerters(ops={})
    with pytest.raises(RunFailed, match=r"no alerter 'opps'.*ops"):
        _asks("opps")()


def _asks(name: str) -> Any:
    @pipeline
    def other() -> None:
        ask("Deploy?", alerter=name)

    return other


def test_asking_is_for_pipelines() -> None:
    with pytest.raises(InvalidArgument, match="inside a pipeline"):
        ask("Deploy?")


def test_a_question_is_asked_from_a_process_of_its_own(project: ProjectDirectory, alerters: Alerters) -> None:
    alerters(ops={"answer": "yes", "answered_by": "ada"})
    project.write(
        "flows.py",
        """
        from dovetail import pipeline, step
        from dovetail.steps import ask

        @step
        def use() -> int:
            return 1

        @pipeline
        def flow() -> None:
            use(after=ask("Deploy?", timeout=20))
        """,
    )
    project.run("from flows import flow; flow.with_options(run_name='apart', isolated=True)()")
    assert get_run("apart").steps["ask"].metadata["answer"]["by"] == "ada"
