"""Many writers at once."""

from __future__ import annotations

from dovetail_artifact_store.contract.samples import keys_of, large
from dovetail_artifact_store.interface import ArtifactStore
from dovetail_conformance import Effort, check, rule
from dovetail_conformance.instruments import workers


class SharingRules:
    """Rules about writers that meet."""

    @rule("AS-39", severity=1, kind="race")
    def test_of_many_writers_of_one_key_one_is_kept_whole(self, store: ArtifactStore, effort: Effort) -> None:
        """If many write one key at once, the object is one writer's, whole, and never a mixture."""
        bodies = [large(store, seed) for seed in range(effort.pick(4, 8, 16))]
        results = workers(lambda body: store.write_bytes("x", body), [(body,) for body in bodies])
        failed = [f"{type(result).__name__}: {result}" for result in results if isinstance(result, BaseException)]
        check(not failed, did=f"wrote one key from {len(bodies)} threads", came="; ".join(failed[:2]))
        got = store.read_bytes("x")
        check(
            got in bodies,
            did=f"wrote one key from {len(bodies)} threads",
            came="bytes of no writer",
            mend="give unfinished objects names of their own",
        )
        check(keys_of(store) == ["x"], did="listed afterwards", came=keys_of(store))

    @rule("AS-59", severity=1, kind="race")
    def test_writers_of_different_keys_do_not_meet(self, store: ArtifactStore, effort: Effort) -> None:
        """Writers of different keys at once, by streams and at once, leave every object as it was written."""
        count = effort.pick(6, 12, 32)
        bodies = {f"d{number % 3}/{number}": large(store, number) for number in range(count)}

        def stream(key: str, body: bytes) -> None:
            with store.open(key, "wb") as writer:
                for start in range(0, len(body), store.part_size // 2):
                    writer.write(body[start : start + store.part_size // 2])

        results = workers(stream, list(bodies.items()))
        failed = [f"{type(result).__name__}: {result}" for result in results if isinstance(result, BaseException)]
        check(not failed, did=f"wrote {count} keys from as many threads", came="; ".join(failed[:2]))
        mixed = [key for key, body in bodies.items() if store.read_bytes(key) != body]
        check(
            not mixed,
            did=f"wrote {count} keys from as many threads",
            came=f"other bytes at {mixed[:3]}",
            mend="share nothing between writers",
        )
