"""Files of runs."""

from __future__ import annotations

import itertools
from pathlib import Path

from dovetail_conformance import Effort, check, raises, rule
from dovetail_conformance.instruments import kill_after
from dovetail_core.errors import InvalidArgument, NotFound
from dovetail_experiment_tracker.capabilities import ExperimentTrackerCapability as Capability
from dovetail_experiment_tracker.contract.harness import ExperimentTrackerHarness
from dovetail_experiment_tracker.contract.stores import FolderStore
from dovetail_experiment_tracker.interface import ExperimentTracker

_OUTSIDE = ["../x", "/x", "a/../../x", "a//b", "./a", "", "a\\b", "nul\0", ".."]


class ArtifactRules:
    """Rules about files."""

    @rule("ET-21", severity=2, needs=Capability.ARTIFACTS)
    def test_files_are_read_back(self, tracker: ExperimentTracker, tmp_path: Path, effort: Effort) -> None:
        """Files and directories that were logged are listed and read back with their bytes and places, and no other run has them."""
        big = bytes(range(256)) * (effort.pick(1, 8, 64) << 12)
        tree = {"a.txt": b"a", "sub/b.bin": b"\0\r\n", "sub/deep/é ü.txt": b"", "big": big}
        for name, data in tree.items():
            (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "tree" / name).write_bytes(data)
        with tracker.start_run() as other, tracker.start_run() as run:
            run.log_artifact(tmp_path / "tree")
            run.log_artifact(tmp_path / "tree" / "a.txt", "plots/renamed.txt")
            run.log_artifact(tmp_path / "tree" / "a.txt")
            wanted = {**{f"tree/{name}": data for name, data in tree.items()}, "plots/renamed.txt": b"a", "a.txt": b"a"}
            listed = {info.path: info.size for info in tracker.list_artifacts(run.id)}
            check(listed == {path: len(data) for path, data in wanted.items()}, did="listed the files of a run", came=listed)
            for path, data in wanted.items():
                tracker.download_artifact(run.id, path, tmp_path / "one")
                check((tmp_path / "one").read_bytes() == data, did=f"read {path} back", came="other bytes")
            tracker.download_artifact(run.id, "tree", tmp_path / "copy")
            came = {
                path.relative_to(tmp_path / "copy").as_posix(): path.read_bytes()
                for path in (tmp_path / "copy").rglob("*")
                if path.is_file()
            }
            check(came == tree, did="read a directory back", came=sorted(came))
            below = [info.path for info in tracker.list_artifacts(run.id, "tree/sub")]
            check(below == ["tree/sub/b.bin", "tree/sub/deep/é ü.txt"], did="listed a directory", came=below)
            (tmp_path / "tree" / "a.txt").write_bytes(b"new")
            run.log_artifact(tmp_path / "tree" / "a.txt")
            tracker.download_artifact(run.id, "a.txt", tmp_path / "one")
            check((tmp_path / "one").read_bytes() == b"new", did="logged a file again", came="the old bytes", mend="replace it")
            check(tracker.list_artifacts(other.id) == [], did="listed the files of another run", came=tracker.list_artifacts(other.id))

    @rule("ET-42", severity=2, needs=Capability.ARTIFACT_STORE)
    def test_files_go_to_the_store_that_is_given(self, tracker: ExperimentTracker, tmp_path: Path) -> None:
        """Files of runs that start after `use_artifact_store` are in that store, below the prefix, are read from there, and are deleted with their run."""
        store, file, out = FolderStore(tmp_path / "store"), tmp_path / "f", tmp_path / "out"
        file.write_bytes(b"f")
        with tracker.start_run() as before:
            tracker.use_artifact_store(store, "kept/here")
            before.log_artifact(file, "old")
        check(not list(store.list("")), did="logged a file of an older run after `use_artifact_store`", came="it is in the store")
        with tracker.start_run() as run:
            run.log_artifact(file, "a/new")
        keys = [found.key for found in store.list("")]
        check(
            len(keys) == 1 and keys[0].startswith("kept/here/") and keys[0].endswith("/a/new"),
            did="logged a file after `use_artifact_store`",
            came=keys or "nothing is in the store",
            mend="keep it there, or do not declare ARTIFACT_STORE",
        )
        for one, path in ((before, "old"), (run, "a/new")):
            listed = [info.path for info in tracker.list_artifacts(one.id)]
            check(listed == [path], did="listed the files of a run", came=listed)
            check(tracker.download_artifact(one.id, path, out).read_bytes() == b"f", did=f"read {path}", came="other bytes")
        tracker.use_artifact_store(None)
        with tracker.start_run() as later:
            later.log_artifact(file, "b")
        check(len(list(store.list(""))) == 1, did="logged a file after `use_artifact_store(None)`", came="it is in the store")
        tracker.use_artifact_store(store, "elsewhere")
        tracker.delete_run(run.id)
        check(not list(store.list("")), did="deleted a run with files in the store", came="they are there")

    @rule("ET-40", severity=1, needs=Capability.ARTIFACTS)
    def test_no_path_leads_out_of_a_run(self, tracker: ExperimentTracker, tmp_path: Path) -> None:
        """A path that leads out of a run's files is refused with `InvalidArgument`, in every method; what is not there is `NotFound`."""
        (tmp_path / "f").write_text("f")
        with tracker.start_run() as run:
            run.log_artifact(tmp_path / "f", "a/f")
            for path in _OUTSIDE:
                with raises(InvalidArgument, did=f"logged a file as {path!r}"):
                    run.log_artifact(tmp_path / "f", path)
                with raises(InvalidArgument, did=f"read the file {path!r}"):
                    tracker.download_artifact(run.id, path, tmp_path / "out")
                if path:
                    with raises(InvalidArgument, did=f"listed {path!r}"):
                        tracker.list_artifacts(run.id, path)
            for absent in ("a/g", "f", "a/f/g", "A"):
                with raises(NotFound, did=f"read {absent!r}, which is not there"):
                    tracker.download_artifact(run.id, absent, tmp_path / "out")
            check(not (tmp_path / "out").exists(), did="looked for what a refused read wrote", came="a file is there")
            with raises(NotFound, did="logged a file that is not there"):
                run.log_artifact(tmp_path / "nothing")
            check(
                [info.path for info in tracker.list_artifacts(run.id)] == ["a/f"],
                did="listed the files",
                came=tracker.list_artifacts(run.id),
            )

    @rule("ET-26", severity=2, needs=Capability.ARTIFACTS, hooks=("kill",), kind="fault")
    def test_a_killed_upload_shows_no_part(
        self, tracker: ExperimentTracker, harness: ExperimentTrackerHarness, tmp_path: Path, effort: Effort
    ) -> None:
        """A process that is killed while it logs a file leaves the old file, the new one, or none, never a part."""
        size = effort.pick(8, 16, 32) << 20
        for name in "ab":
            (tmp_path / name).write_bytes(name.encode() * size)
        with tracker.start_run() as run:
            tracker.list_artifacts(run.id)
            for number in range(effort.pick(3, 6, 15)):
                killed = kill_after(
                    _upload_for_ever, tracker, run.id, [str(tmp_path / name) for name in "ab"], seconds=0.004 * number,
                    when=lambda: tracker.list_artifacts(run.id),
                )  # fmt: skip
                check(killed.killed, did="killed a process that logs files", came=killed)
                for info in tracker.list_artifacts(run.id):
                    tracker.download_artifact(run.id, info.path, tmp_path / "read")
                    data = (tmp_path / "read").read_bytes()
                    whole = len(data) == size == info.size and data.count(data[:1]) == size
                    check(whole, did="killed a process that logs a file, and read it", came=f"{info.path}: {len(data)} bytes of {size}")


def _upload_for_ever(tracker: ExperimentTracker, run_id: str, sources: list[str]) -> None:
    run = tracker.attach(run_id)
    for source in itertools.cycle(sources):
        run.log_artifact(source, "file")
