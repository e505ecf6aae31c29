"""A resumed run takes over what was committed, and neither it nor the cache mistakes that for the work of the code of now."""

from __future__ import annotations

import pytest
from project_directory import ProjectDirectory

from dovetail import get_run

MODULE = """
    from pathlib import Path
    from dovetail import pipeline, step

    VALUE = 1

    @step
    def value() -> int:
        return VALUE

    @step{options}
    def below(x: int) -> int:
        if not Path({healthy!r}).exists():
            raise RuntimeError("on purpose")
        return x * 10

    @pipeline
    def flow():
        below(value())
"""


@pytest.mark.parametrize("options", ["", "(isolated=True)"])
def test_what_a_resumed_run_took_over_from_other_code_is_no_result_of_the_code_of_now(project: ProjectDirectory, options: str) -> None:
    healthy = project.path / "healthy"
    project.write("module.py", MODULE.format(healthy=str(healthy), options=options))
    project.run("import module; module.flow.with_options(run_name='r1', retries=0)()", expected=1)
    healthy.touch()
    project.edit("module.py", "VALUE = 1", "VALUE = 2")
    project.run("import module; module.flow.with_options(run_name='r2').run(resume='r1')")
    project.run("import module; module.flow.with_options(run_name='r3')()")
    assert get_run("r2").steps["below"].outputs["output"].load() == 10
    third = get_run("r3").steps
    assert (third["value"].outputs["output"].load(), third["below"].outputs["output"].load()) == (2, 20)
    taken, executed = get_run("r2").steps["below"].record, third["below"].record
    assert taken.provenance_key != executed.provenance_key, "they do not come of the same code"
    project.edit("module.py", "VALUE = 2", "VALUE = 1")
    project.run("import module; module.flow.with_options(run_name='r4')()")
    assert {one.state.value for one in get_run("r4").steps.values()} == {"cached"}
    assert get_run("r4").steps["below"].outputs["output"].load() == 10


NOT_ALWAYS_THE_SAME = """
    from pathlib import Path
    from dovetail import pipeline, step

    @step
    def source() -> int:
        return int(Path("number").read_text())

    @step
    def scaled(x: int) -> int:
        if not Path("healthy").exists():
            raise RuntimeError("on purpose")
        return x * 10

    @pipeline
    def flow():
        scaled(source())
"""


def test_a_resumed_run_takes_nothing_from_the_cache_that_stands_on_another_execution(project: ProjectDirectory) -> None:
    project.write("module.py", NOT_ALWAYS_THE_SAME)
    (project.path / "healthy").touch()
    (project.path / "number").write_text("2")
    project.run("import module; module.flow.with_options(run_name='other')()")
    (project.path / "healthy").unlink()
    (project.path / "number").write_text("1")
    project.run("import module; module.flow.with_options(run_name='r1', retries=0, steps={'source': {'cache': False}})()", expected=1)
    (project.path / "healthy").touch()
    project.run("import module; module.flow.with_options(run_name='r2', steps={'source': {'cache': True}}).run(resume='r1')")
    steps = get_run("r2").steps
    assert (steps["source"].outputs["output"].load(), steps["scaled"].outputs["output"].load()) == (1, 10)
