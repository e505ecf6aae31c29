"""Measures the S3 artifact store next to boto3, s3fs and obstore, on the same server, in the same run.

    python tools/bench_s3 [--endpoint URL] [--bucket NAME] [--sizes full|small] [--repetitions N] [--tasks a,b] [--json FILE]

Without an endpoint a server of moto's is started, which is too slow to rank clients on: what is seen then is moto. Credentials are those
that boto3 finds, or any at all where it finds none. Every figure is of a process of its own, which does the same once before it is measured;
contenders take turns, in an order that is turned around each time, and medians are shown. Only their ratios mean anything.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from contenders import available
from measuring import measured
from place import SIZES, Place, cleared, made
from report import as_json, table, targets
from tasks import TASKS


def main() -> int:
    """Print the table and return the exit code: 0, since figures are read, not asserted."""
    given = _arguments()
    with _server(given) as place:
        if given.endpoint is None:
            print(
                "The server is moto's, and moto is the bottleneck: this shows that the benchmark runs, and nothing of the clients' speed.\n"
            )
        results = measured(place, given.tasks, given.contenders, given.repetitions)
        cleared(place)
    print(table(results, place.sizes))
    print(targets(results))
    if given.json is not None:
        given.json.write_text(json.dumps(as_json(results, place), indent=1))
    return 0


def _arguments() -> argparse.Namespace:
    names = list(available())
    parser = argparse.ArgumentParser(prog="bench_s3", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", help="address of the server; default: one of moto's is started")
    parser.add_argument("--bucket", default="dovetail-bench", help="name of the bucket; made if it is not there")
    parser.add_argument("--sizes", choices=SIZES, help="default: full, or small before moto's server")
    parser.add_argument("--repetitions", type=int, help="how often each is measured; default: 5, or 3 if small")
    parser.add_argument("--tasks", type=lambda text: text.split(","), default=list(TASKS), help=f"of {', '.join(TASKS)}")
    parser.add_argument("--contenders", type=lambda text: text.split(","), default=names, help=f"of {', '.join(names)}")
    parser.add_argument("--json", type=Path, help="file for the figures as JSON")
    given = parser.parse_args()
    given.sizes = given.sizes or ("full" if given.endpoint else "small")
    given.repetitions = given.repetitions or (5 if given.sizes == "full" else 3)
    for kind, known in (("tasks", TASKS), ("contenders", names)):
        if unknown := [name for name in getattr(given, kind) if name not in known]:
            parser.error(f"there is no {kind[:-1]} {unknown[0]!r}; known: {', '.join(known)}")
    return given


@contextlib.contextmanager
def _server(given: argparse.Namespace) -> Iterator[Place]:
    if given.endpoint is not None:
        yield made(given.endpoint, given.bucket, given.sizes)
        return
    from dovetail_artifact_store_s3.testing.moto import MotoServer

    with MotoServer() as server:
        yield made(server.url, given.bucket, given.sizes, (server._root.id, server._root.secret))


if __name__ == "__main__":
    raise SystemExit(main())
