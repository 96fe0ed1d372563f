"""What a client tool prints is judged as it was printed, and written without passwords."""

from dataclasses import replace
from pathlib import Path

from tests.support.sample_task import prepared
from tests.support.step_context import offline_context
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.split.copy.reporter import redacting_reporter

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


async def test_findings_and_progress_are_written_without_passwords(tmp_path: Path) -> None:
    ends = prepared()
    source, target = (replace(end, password="s3cret/x") for end in (ends.source, ends.target))
    quoted = "password=s3cret/x or s3cret%2Fx"
    finding = Finding(
        Level.FAIL, "id", quoted, where=target.label, why=quoted, todo=quoted, details=(quoted,)
    )
    with offline_context(tmp_path, source, target) as run:
        run.ctx.found(finding)
        run.ctx.progress(1, 2, Unit.BYTES, quoted)
        log = run.ctx.run_folder.log_path.read_text()
    (kept,) = run.findings
    assert kept.where == target.label
    for text in (log, repr(kept), repr(run.events)):
        assert "s3cret" not in text
        assert "********" in text


def test_tswizard_join_says_no_password() -> None:
    heard: list[str] = []
    end = replace(prepared().target, password="s3cret")
    reporter = redacting_reporter(heard.append, lambda f: heard.append(repr(f)), (end,))
    reporter.say("it is s3cret")
    reporter.found(Finding(Level.LOOK, "id", "it is s3cret"))
    assert heard[0] == "it is ********"
    assert "s3cret" not in heard[1]
    assert reporter.going.is_set()
