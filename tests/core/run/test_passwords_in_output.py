"""What a client tool prints is judged as it was printed, and written without passwords."""

from dataclasses import replace
from pathlib import Path

from tests.support.sample_task import prepared
from tests.support.step_context import offline_context

PRINTED = (
    "pg_restore: error: could not execute query: ERROR:  extra data after last expected column\n"
    'CONTEXT:  COPY ext, line 1: "ext"\n'
)


async def test_a_password_that_is_part_of_the_words_of_an_error(tmp_path: Path) -> None:
    """The word "ext" in "extra": the rule that knows the message has to see it whole."""
    ends = prepared()
    heard: list[str] = []
    judged, shown = {}, {}
    for password in ("hunter2", "ext"):
        source, target = (replace(end, password=password) for end in (ends.source, ends.target))
        folder = tmp_path / password
        folder.mkdir()
        with offline_context(folder, source, target) as run:
            end = await run.ctx.run_tool(
                ["printf", "%s", PRINTED],
                target,
                tool="pg_restore",
                phase="data",
                on_lines=heard.extend,
            )
            log = run.ctx.run_folder.log_path.read_text()
        judged[password], _unsummed = end.judged
        shown[password] = log.partition("CONTEXT")[2]
    plain, hidden = judged["hunter2"], judged["ext"]
    assert (hidden.verdict, hidden.rule, hidden.relation) == (
        plain.verdict,
        plain.rule,
        plain.relation,
    )
    assert "ext" in shown["hunter2"]
    assert "ext" not in shown["ext"]
    assert "ext" not in hidden.message + "".join(hidden.detail)
    assert heard[0] == PRINTED.splitlines()[0]
