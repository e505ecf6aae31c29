"""What an orchestrator may promise beyond the mandatory contract."""

from dovetail_core import Capability


class OrchestratorCapability(Capability):
    """Capabilities of orchestrators; what is asked for without one is refused with `Unsupported` before anything starts."""

    PARALLEL = "parallel"
    """Independent steps execute at the same time."""
    REMOTE = "remote"
    """Steps execute on other machines."""
    ASYNC_SUBMIT = "async submit"
    """`submit` returns while the steps execute."""
    SCHEDULE = "schedule"
    """Runs can be started by a clock."""
    RETRY = "retry"
    """Failed attempts are repeated, with waits."""
    RESUME = "resume"
    """A run goes on after its orchestrator was restarted."""
    RESOURCES = "resources"
    """Requested resources are taken into account, or refused."""
    CONTAINERIZED = "containerized"
    """Steps execute in images."""
