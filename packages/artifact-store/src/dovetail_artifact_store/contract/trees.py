"""Directories of this machine, up and down."""

from __future__ import annotations

from pathlib import Path

from dovetail_artifact_store.contract.samples import keys_of, large
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import check, raises, rule
from dovetail_core.errors import IntegrityError, InvalidArgument, NotFound


class TreeRules:
    """Rules about files and trees."""

    @rule("AS-44", severity=2)
    def test_a_tree_twice_is_the_same_tree(self, store: ArtifactStore, tmp_path: Path) -> None:
        """A tree that is transferred twice, with or without a slash at the end, is the same tree; no link out of it is followed."""
        source = tmp_path / "source"
        files = {"a": b"a", "b/c": b"c", "b/d/e f": large(store)}
        for name, data in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes(data)
        for prefix in ("t", "t/"):
            written = store.upload_tree(source, prefix)
            wanted = sorted((f"t/{name}" for name in files), key=str.encode)
            check([info.key for info in written] == wanted, did=f"uploaded a tree to '{prefix}'", came=[info.key for info in written])
            check(keys_of(store) == wanted, did=f"uploaded a tree to '{prefix}'", came=keys_of(store), mend="do not nest it in itself")
        for prefix in ("t", "t/"):
            store.download_tree(prefix, tmp_path / "target")
            found = {
                str(path.relative_to(tmp_path / "target")): path.read_bytes() for path in (tmp_path / "target").rglob("*") if path.is_file()
            }
            check(found == files, did=f"downloaded a tree from '{prefix}'", came=sorted(found), mend="do not nest it in itself")
        (source / "out").symlink_to(tmp_path / "elsewhere")
        with raises(InvalidArgument, did="uploaded a tree with a link that leads out of it", mend="refuse it before anything is written"):
            store.upload_tree(source, "linked")
        check(not store.exists("linked"), did="uploaded a tree with a link that leads out", came="something was written")

    @rule("AS-60", severity=2)
    def test_a_download_is_checked_and_leaves_no_debris(self, store: ArtifactStore, tmp_path: Path) -> None:
        """A download whose digest is another than expected, or of what is not there, raises and leaves the file as it was, and no debris."""
        info = store.write_bytes("x", b"content")
        target = tmp_path / "deep" / "file"
        store.download("x", target, digest=info.digest)
        check(target.read_bytes() == b"content", did="downloaded with the right digest", came=target.read_bytes())
        for key, digest, error in (("x", "blake3:" + "0" * 64, IntegrityError), ("missing", None, NotFound)):
            with raises(error, did=f"downloaded {key} with the digest {digest}"):
                store.download(key, target, digest=digest)
            left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
            check(
                left == {"deep/file"}, did="looked for debris of a download that failed", came=sorted(left), mend="delete the partial file"
            )
            check(target.read_bytes() == b"content", did="looked at the file after a download that failed", came=target.read_bytes())
        with raises(NotFound, did="downloaded what is not there to a new place"):
            store.download("missing", tmp_path / "never")
        check(not (tmp_path / "never").exists(), did="downloaded what is not there", came="an empty file was left")
