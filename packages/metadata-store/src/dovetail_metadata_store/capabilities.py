"""What a metadata store may promise beyond the mandatory contract."""

from dovetail_core import Capability


class MetadataStoreCapability(Capability):
    """Capabilities of metadata stores."""

    MULTI_WRITER = "multi_writer"
    """Any number of processes write at the same time."""
    SEARCH = "search"
    """`search_runs`, `search_artifacts`, and their iterators."""
    MIGRATIONS = "migrations"
    """The schema has versions: an older store is brought up to date when it is opened, a newer one is refused."""
