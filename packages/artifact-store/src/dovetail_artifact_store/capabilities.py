"""What an artifact store may promise beyond the mandatory contract."""

from dovetail_core import Capability


class ArtifactStoreCapability(Capability):
    """Capabilities of artifact stores; a call that needs one that is not declared raises `Unsupported`.

    What a flavor implements for each: `_upload` and the `commit` of its `Upload` for `CONDITIONAL_PUT` and `CONDITIONAL_REPLACE`, `_copy` for
    `SERVER_COPY`, `_move` for `ATOMIC_MOVE`, `_presign` for `PRESIGN`, `_mkdir` and `_rmdirs` for `EMPTY_DIRECTORIES`, `_upload` and `_stat`
    for `USER_METADATA`.
    """

    CONDITIONAL_PUT = "conditional put"
    """A write may demand that the key does not exist yet; of several such writers exactly one succeeds.

    Implement: `_upload`, whose `commit` obeys `condition.absent` in the step that publishes the object, and raises `AlreadyExists`."""
    CONDITIONAL_REPLACE = "conditional replace"
    """A write may demand that the object is still the one with a given etag.

    Implement: `_upload`, whose `commit` compares `condition.match` in the step that publishes the object, and raises `Conflict`; `_stat`
    returns another etag for other bytes."""
    SERVER_COPY = "server copy"
    """A copy moves no bytes through this process.

    Implement: `_copy(source, target) -> ObjectInfo`."""
    ATOMIC_MOVE = "atomic move"
    """An object is renamed in one step: it is never at both keys, nor at none.

    Implement: `_move(source, target)`, which is a copy and a deletion otherwise."""
    PRESIGN = "presign"
    """A URL can be made that lets its holder read or write one object for a time.

    Implement: `_presign(key, writing, seconds) -> str`."""
    EMPTY_DIRECTORIES = "empty directories"
    """A directory can exist without an object below it.

    Implement: `_mkdir(key, parents)`, `_rmdirs(prefix)`; `_list` yields such a directory as text."""
    USER_METADATA = "user metadata"
    """Text entries can be stored with an object.

    Implement: `_upload`, which stores `metadata`, and `_stat`, which returns it; `_copy` keeps it, also by default."""
