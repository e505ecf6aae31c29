"""What an experiment tracker may promise beyond the mandatory contract."""

from dovetail_core import Capability


class ExperimentTrackerCapability(Capability):
    """Capabilities of experiment trackers."""

    NESTED = "nested"
    """Runs that belong to another run: `start_run(parent=...)`."""
    RESUME = "resume"
    """A run goes on after it ended: `start_run(resume=...)`."""
    SEARCH = "search"
    """`search_runs` and `iter_runs`, and `experiments`."""
    ARTIFACTS = "artifacts"
    """Files of runs: `log_artifact`, `list_artifacts`, `download_artifact`."""
    ARTIFACT_STORE = "artifact_store"
    """Files of runs are kept in an artifact store that is given, such as the stack's: `use_artifact_store`."""
    ASYNC = "async"
    """Metric points are sent in the background, and `flush` says whether they arrived: `start_run(buffered=True)`."""
    AUTOLOG = "autolog"
    """The backend's own client records what libraries do while a run is active: `start_run(autolog=True)`."""
