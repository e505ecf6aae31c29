"""Runs the digits pipeline twice: the first run computes, the second takes everything from the cache."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from digits import digits
from dovetail import RunView


def summary(title: str, run: RunView) -> None:
    """Print the state and duration of every step of a run."""
    seconds = (run.record.ended - run.record.started).total_seconds()
    print(f"\n{title}: run {run.name} {run.state} in {seconds:.2f} s")
    for step in run.steps.values():
        took = (step.record.ended - step.record.started).total_seconds() if step.record.started and step.record.ended else 0.0
        outputs = ", ".join(f"{name} ({output.artifact.size:,} bytes)" for name, output in step.outputs.items())
        print(f"  {step.record.name:14} {step.state:10} {took:6.2f} s  {outputs}")


def lineage(run: RunView) -> None:
    """Print what led to the winning model."""
    found = run.steps["pick"].outputs["model"].lineage("up")
    print("\nLineage of the winning model:")
    for edge in found.edges:
        read = found.artifacts[edge.source] if edge.source else None
        wrote = found.artifacts[edge.target] if edge.target else None
        print(
            f"  {read.step + '.' + read.output if read else '-':22} -> {edge.step:12} -> {wrote.step + '.' + wrote.output if wrote else '-'}"
        )


def main() -> None:
    """Run the pipeline twice in a fresh directory and show what came of it."""
    directory = Path(tempfile.mkdtemp(prefix="dovetail-demo-"))
    os.chdir(directory)
    first = digits()
    summary("First run", first)
    second = digits()
    summary("Second run", second)
    lineage(second)
    print("\n" + second.steps["report"].outputs["report"].load())
    picture = directory / "confusion.png"
    second.steps["confusion"].outputs["picture"].load().save(picture)
    print(f"Confusion matrix: {picture}")
    states = {step.state.value for step in second.steps.values()}
    if states != {"cached"}:
        raise SystemExit(f"the second run was not wholly cached: {states}")


if __name__ == "__main__":
    main()
