"""What rules ask of flavors that this package does not have."""

from collections.abc import Iterator

import pytest

from dovetail_orchestrator import Command, InMemoryOrchestrator
from dovetail_orchestrator.attempts import ProcessAttempt
from dovetail_orchestrator.contract import OrchestratorContract
from dovetail_orchestrator.contract.stage import Stage
from dovetail_orchestrator.memory_run import MemoryRun
from dovetail_orchestrator.testing import MemoryHarness

FIRST_OF_ITS_CONTAINER = """
import os, runpy, sys
os.getpid = lambda: 1
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class ContainerAttempt(ProcessAttempt):
    """A command that is the process 1 of a container."""

    def _with_environment(self, command: Command) -> Command:
        python, isolated, bare, *rest = command.arguments
        return Command((python, isolated, bare, "-c", FIRST_OF_ITS_CONTAINER, *rest), command.environment)


class ContainerRun(MemoryRun):
    def _execute(self, attempt):
        attempt.__class__ = ContainerAttempt
        super()._execute(attempt)


class Containers(InMemoryOrchestrator):
    Run = ContainerRun


class ContainersHarness(MemoryHarness):
    flavor = Containers


@pytest.fixture
def stage() -> Iterator[Stage]:
    with ContainersHarness() as harness, harness.make() as component, Stage(harness, component) as stage:
        yield stage


def test_steps_that_are_the_first_process_of_their_containers_have_processes_of_their_own(stage):
    OrchestratorContract().test_a_step_that_asks_for_a_process_has_one(stage)
