"""What the base class does for every flavor."""

import pickle
import threading

import pytest
from orchestrator_kit import plan

from dovetail_core import ConfigError, InvalidArgument, NotFound, Status, Timeout, Unavailable, Unsupported
from dovetail_core.jobs import RetryPolicy
from dovetail_orchestrator import (
    InMemoryOrchestrator,
    LocalOrchestrator,
    Orchestrator,
    OrchestratorCapability,
    RunStatus,
    StepPlan,
    StepSettings,
    StepState,
    StepStatus,
)


class Slots(StepSettings):
    queue: str = "default"
    """Where the step waits."""


class Minimal(Orchestrator):
    """A flavor of nothing but the primitives: a run ends when the test says so."""

    flavor = "minimal"
    Settings = Slots

    def setup(self):
        self.submitted = []
        self.cancelled = []
        self.state = StepState.RUNNING

    def _submit(self, plan, launcher):
        self.submitted.append(plan)

    def _status(self, run_id):
        if all(made.run_id != run_id for made in self.submitted):
            raise NotFound(f"no run {run_id}")
        return RunStatus(run_id, self.state, {"a": StepStatus(self.state, 2)})

    def _cancel(self, run_id):
        self.cancelled.append(run_id)
        self.state = StepState.CANCELLED

    def _logs(self, run_id, step, attempt):
        return iter([f"{step} {attempt}"])


class Asynchronous(Minimal):
    capabilities = frozenset({OrchestratorCapability.ASYNC_SUBMIT})


@pytest.fixture
def minimal():
    return Asynchronous()


def test_what_a_plan_asks_for_and_the_flavor_does_not_declare_is_refused_before_anything_starts(minimal, launcher):
    asking = [
        (StepPlan(name="again", retry=RetryPolicy(retries=1)), "retry"),
        (StepPlan(name="big", resources={"memory": "8GB"}), "resources"),
        (StepPlan(name="none", resources={"gpu": 0}), "resources"),
    ]
    for step, capability in asking:
        for call in (minimal.run, minimal.submit):
            with pytest.raises(Unsupported, match=rf"{capability}.*'{step.name}'"):
                call(plan("r", step), launcher)
    assert minimal.submitted == []


def test_submit_needs_a_flavor_that_returns_before_the_end(launcher):
    with pytest.raises(Unsupported):
        Minimal().submit(plan("r", "a"), launcher)


def test_run_works_without_asynchronous_submission(launcher):
    minimal = Minimal()
    minimal.state = StepState.SUCCEEDED
    assert minimal.run(plan("r", "a"), launcher).state is StepState.SUCCEEDED


def test_a_setting_that_the_flavor_does_not_know_is_refused_by_name(minimal, launcher):
    with pytest.raises(ConfigError, match=r"'a'.*'queu'.*did you mean 'queue'"):
        minimal.run(plan("r", StepPlan(name="a", settings={"queu": "x"})), launcher)
    assert minimal.submitted == []
    minimal.state = StepState.SUCCEEDED
    minimal.run(plan("r", StepPlan(name="a", settings={"queue": "x"})), launcher)


@pytest.mark.parametrize("wrong", [None, {"run_id": "r"}, "plan"])
def test_only_a_plan_is_run(minimal, launcher, wrong):
    with pytest.raises(InvalidArgument):
        minimal.run(wrong, launcher)


def test_a_launcher_must_be_one(minimal):
    with pytest.raises(InvalidArgument, match="command"):
        minimal.run(plan("r", "a"), lambda step, attempt, log: None)
    assert minimal.submitted == []


def test_waiting_ends_with_the_run_or_with_a_timeout(minimal, launcher):
    handle = minimal.submit(plan("r", "a"), launcher)
    with pytest.raises(Timeout):
        handle.wait(0.01)
    threading.Timer(0.05, setattr, (minimal, "state", StepState.SUCCEEDED)).start()
    assert handle.wait(20).state is StepState.SUCCEEDED


def test_progress_is_told_once_per_change_and_what_the_listener_raises_changes_nothing(minimal, launcher):
    told = []

    def listen(status):
        told.append(status.state)
        minimal.state = StepState.SUCCEEDED
        raise RuntimeError("listener")

    assert minimal.run(plan("r", "a"), launcher, on_progress=listen).state is StepState.SUCCEEDED
    assert told == ["running", "succeeded"]


def test_ctrl_c_reaches_the_caller_also_where_the_run_cannot_be_cancelled(launcher, caplog):
    class Unreachable(Minimal):
        def _cancel(self, run_id):
            raise Unavailable("the scheduler does not answer")

    def interrupt(status):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Unreachable().run(plan("r", "a"), launcher, on_progress=interrupt)
    assert "run r was interrupted" in caplog.text and "does not answer" in caplog.text


def test_ctrl_c_while_run_waits_cancels_the_run(minimal, launcher):
    def interrupt(status):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        minimal.run(plan("r", "a"), launcher, on_progress=interrupt)
    assert minimal.cancelled == ["r"]


def test_a_run_that_has_ended_is_not_cancelled(minimal, launcher):
    handle = minimal.submit(plan("r", "a"), launcher)
    handle.cancel()
    handle.cancel()
    assert minimal.cancelled == ["r"]


def test_a_component_has_a_state_of_its_own(minimal):
    assert minimal.status() is Status.RUNNING


def test_logs_are_of_a_step_and_an_attempt_that_there_are(minimal, launcher):
    handle = minimal.submit(plan("r", "a"), launcher)
    assert list(handle.logs("a")) == ["a 2"]
    assert list(handle.logs("a", 1)) == ["a 1"]
    for step, attempt in (("b", None), ("a", 3), ("a", 0)):
        with pytest.raises(NotFound):
            minimal.logs("r", step, attempt)


@pytest.mark.parametrize("call", ["status", "wait", "cancel", "attach"])
def test_a_run_that_there_is_not_is_not_found(minimal, call):
    with pytest.raises(NotFound):
        getattr(minimal, call)("nothing")


@pytest.mark.parametrize("wrong", ["", 7, b"r"])
def test_a_run_id_is_text(minimal, wrong):
    for call in (minimal.status, minimal.cancel, minimal.attach, minimal.wait):
        with pytest.raises(InvalidArgument):
            call(wrong)


def test_statuses_are_plain_data():
    status = RunStatus("r", StepState.RUNNING, {"a": StepStatus(StepState.RUNNING, 1)})
    assert pickle.loads(pickle.dumps(status)) == status


def below(folder, flavor):
    """An orchestrator of a flavor, with what it keeps in a folder."""
    return flavor(**({"path": folder / "runs"} if flavor is LocalOrchestrator else {"space": str(folder)}))


@pytest.mark.parametrize(
    ("flavor", "refused"), [(LocalOrchestrator, "cancel-r"), (LocalOrchestrator, "run-r"), (InMemoryOrchestrator, "run-r")]
)
def test_a_run_for_which_there_is_no_thread_has_not_begun(flavor, refused, launcher, tmp_path, monkeypatch):
    def start(thread):
        if thread.name == refused:
            raise RuntimeError("can't start new thread")
        begin(thread)

    begin = threading.Thread.start
    orchestrator = below(tmp_path, flavor)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(Unavailable, match="thread"):
            orchestrator.submit(plan("r", "a"), launcher)
        with pytest.raises(NotFound):
            orchestrator.status("r")
    assert launcher.executed() == []
    assert orchestrator.submit(plan("r", "a"), launcher).wait(20).state == "succeeded"


@pytest.mark.parametrize("flavor", [LocalOrchestrator, InMemoryOrchestrator])
def test_what_interrupts_the_start_of_a_run_s_thread_is_no_refusal(flavor, launcher, tmp_path, monkeypatch):
    """`Thread.start` lets an exception that comes amid its wait out as a `RuntimeError` about a lock."""

    def interrupted(thread):
        begin(thread)
        if thread.name == "run-r":
            try:
                raise SystemExit("a signal's handler")
            finally:
                raise RuntimeError("release unlocked lock")

    begin = threading.Thread.start
    orchestrator = below(tmp_path, flavor)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(SystemExit, match="handler"):
            orchestrator.submit(plan("r", "a"), launcher)
    assert orchestrator.wait("r", 20).state == "succeeded"
