"""What is measured: calls that a user would write."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

from contenders import Contender
from place import Place, seeded


class Task(ABC):
    """Something to do, on a prefix of its own. `prepare` is not measured, nor is `check`."""

    call: str
    """What a user of dovetail would write."""
    once = False
    """Whether what is prepared is used up."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.prefix = f"{place.prefix}/{type(self).__name__}"

    def prepare(self) -> None:  # noqa: B027  # most need nothing
        """Store what is read, listed or deleted."""

    @abstractmethod
    def run(self, contender: Contender) -> None:
        """Do it."""

    def check(self, contender: Contender) -> None:  # noqa: B027  # nor do all leave something to look at
        """Raise if it was not done."""


class PutLarge(Task):
    """Upload one large file."""

    call = "store.upload(file, key)"

    def run(self, contender: Contender) -> None:
        """Upload it."""
        contender.put_file(self.place.large_file, f"{self.prefix}/large")


class GetLarge(Task):
    """Download one large object to a file."""

    call = "store.download(key, file)"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.target = Path(place.folder, "downloaded")

    def prepare(self) -> None:
        """Upload it by boto3."""
        from place import boto3_client

        boto3_client(self.place).upload_file(str(self.place.large_file), self.place.bucket, f"{self.prefix}/large")

    def run(self, contender: Contender) -> None:
        """Download it."""
        contender.get_file(f"{self.prefix}/large", self.target)

    def check(self, contender: Contender) -> None:
        """Compare sizes."""
        assert self.target.stat().st_size == self.place.sizes.large
        self.target.unlink()


class PutTree(Task):
    """Upload a directory of small files."""

    call = "store.upload_tree(folder, prefix)"

    def run(self, contender: Contender) -> None:
        """Upload them."""
        contender.put_tree(self.place.small_files, self.prefix)

    def check(self, contender: Contender) -> None:
        """Count them."""
        assert len(contender.keys(self.prefix)) == self.place.sizes.objects


class GetTree(Task):
    """Download small objects to a directory."""

    call = "store.download_tree(prefix, folder)"

    def prepare(self) -> None:
        """Store small objects."""
        seeded(self.place, _names(self.prefix, self.place.sizes.objects), b"x" * self.place.sizes.small)

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.target = Path(place.folder, "tree")

    def run(self, contender: Contender) -> None:
        """Download them."""
        self.target.mkdir(exist_ok=True)
        contender.get_tree(self.prefix, self.target)

    def check(self, contender: Contender) -> None:
        """Count them."""
        assert sum(path.is_file() for path in self.target.rglob("*")) == self.place.sizes.objects
        shutil.rmtree(self.target)


class WriteMany(Task):
    """Write small objects from memory, from threads of the caller."""

    call = "pool.map(store.write_bytes, ...)"

    def run(self, contender: Contender) -> None:
        """Write them."""
        data = b"x" * self.place.sizes.small
        contender.each(lambda key: contender.write(key, data), _names(self.prefix, self.place.sizes.objects))


class ReadMany(Task):
    """Read small objects into memory, from threads of the caller."""

    call = "pool.map(store.read_bytes, ...)"

    def prepare(self) -> None:
        """Store small objects."""
        seeded(self.place, _names(self.prefix, self.place.sizes.objects), b"x" * self.place.sizes.small)

    def run(self, contender: Contender) -> None:
        """Read them."""
        contender.each(contender.read, _names(self.prefix, self.place.sizes.objects))


class ListKeys(Task):
    """List keys."""

    call = "for info in store.list(prefix)"

    def prepare(self) -> None:
        """Store empty objects."""
        seeded(self.place, _names(self.prefix, self.place.sizes.keys))

    def run(self, contender: Contender) -> None:
        """List them."""
        assert len(contender.keys(self.prefix)) == self.place.sizes.keys


class DeleteKeys(Task):
    """Delete everything below a prefix."""

    call = "store.rmtree(prefix)"
    once = True

    def prepare(self) -> None:
        """Store empty objects."""
        seeded(self.place, _names(self.prefix, self.place.sizes.keys))

    def run(self, contender: Contender) -> None:
        """Delete them."""
        contender.delete(self.prefix)

    def check(self, contender: Contender) -> None:
        """Look for what is left."""
        assert not contender.keys(self.prefix)


def _names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}/{number % 20:02}/{number:06}" for number in range(count)]


TASKS: dict[str, type[Task]] = {
    "put-large": PutLarge,
    "get-large": GetLarge,
    "put-tree": PutTree,
    "get-tree": GetTree,
    "write-many": WriteMany,
    "read-many": ReadMany,
    "list": ListKeys,
    "delete": DeleteKeys,
}
