"""What an orchestrator may promise beyond the mandatory contract."""

from dovetail_core import Capability


class OrchestratorCapability(Capability):
    """Capabilities of orchestrators; what is asked for without one is refused with `Unsupported` before anything starts."""

    PARALLEL = "parallel"
    """Independent steps execute at the same time."""
    REMOTE = "remote"
    """Steps execute on other machines."""
    ASYNC_SUBMIT = "async_submit"
    """`submit` returns while the steps execute."""
    SCHEDULE = "schedule"
    """Runs can be started by a clock."""
    RETRY = "retry"
    """Failed attempts are repeated, with waits."""
    RESUME = "resume"
    """A run that lost its process goes on under its own id."""
    RESOURCES = "resources"
    """Requested resources are reserved for a step while it executes; what can never be had is refused."""
    CONTAINERIZED = "containerized"
    """Steps execute in images."""
    FORGET = "forget"
    """What is kept of a run that has ended can be removed.

    Implement: `_forget`."""
