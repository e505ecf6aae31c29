"""What an artifact store may promise beyond the mandatory contract."""

from dovetail_core import Capability


class ArtifactStoreCapability(Capability):
    """Capabilities of artifact stores; a call that needs one that is not declared raises `Unsupported`."""

    CONDITIONAL_PUT = "conditional put"
    """A write may demand that the key does not exist yet; of several such writers exactly one succeeds."""
    CONDITIONAL_REPLACE = "conditional replace"
    """A write may demand that the object is still the one with a given etag."""
    SERVER_COPY = "server copy"
    """A copy moves no bytes through this process."""
    ATOMIC_MOVE = "atomic move"
    """An object is renamed in one step: it is never at both keys, nor at none."""
    PRESIGN = "presign"
    """A URL can be made that lets its holder read or write one object for a time."""
    EMPTY_DIRECTORIES = "empty directories"
    """A directory can exist without an object below it."""
    USER_METADATA = "user metadata"
    """Text entries can be stored with an object."""
