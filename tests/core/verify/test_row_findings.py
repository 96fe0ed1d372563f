"""What is said of rows that differ, from readings that are given."""

from typing import Any

import pytest

from tests.support.sample_outcome import judged
from tests.support.sample_schema import chunk, inventory
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Level
from tswizard.core.model.outcome import RangeRows
from tswizard.core.model.verdict import Verdict
from tswizard.core.model.write_counters import WriteCounters
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.rows.compare import SetResult
from tswizard.core.verify.rows.findings import Evidence, rows_findings
from tswizard.core.verify.rows.range_digest import Unreadable
from tswizard.core.verify.rows.row_sets import RowSet, SetKind
from tswizard.core.verify.rows.written_since import WritesSince


def _result(kind: SetKind = SetKind.TABLE, *differing: RangeRows, **more: Any) -> SetResult:
    rows = RowSet(name="a.t", kind=kind, schema="a", table="t", columns=(), bytes=0, **more)
    source = sum(part.source_rows for part in differing)
    target = sum(part.target_rows for part in differing)
    return SetResult(
        rows=rows,
        parts=1,
        done=1,
        source_rows=source,
        target_rows=target,
        differing=list(differing),
    )


def _evidence(
    *, before: WriteCounters | None = None, now: WriteCounters | None = None, **more: Any
) -> Evidence:
    return Evidence(job=job(counters_before=before, **more), counters=now, newer={})


def job(**more: Any) -> VerifyJob:
    known = inventory()
    end = Endpoint.parse("host=localhost dbname=x")
    return VerifyJob(source=end, target=end, inventory=known, target_server=known.server, **more)


_LESS = RangeRows(range="", source_rows=10, target_rows=7, equal=False)


def test_a_difference_that_nothing_explains_fails() -> None:
    total, finding = rows_findings((_result(SetKind.TABLE, _LESS),), _evidence())
    assert (total.level, finding.level, finding.id) == (Level.FAIL, Level.FAIL, "rows-differ")
    assert finding.what == "a.t: 10 rows on the source, 7 on the target; 3 missing"


def test_writes_since_the_dump_make_it_a_look_and_only_where_they_were() -> None:
    before = WriteCounters({"a.t": (10, 0, 0)})
    assert (
        rows_findings((_result(SetKind.TABLE, _LESS),), _evidence(before=before, now=before))[
            1
        ].level
        is Level.FAIL
    )
    written = _evidence(before=before, now=WriteCounters({"a.t": (13, 0, 0)}))
    total, finding = rows_findings((_result(SetKind.TABLE, _LESS),), written)
    assert (total.level, finding.level, finding.id) == (Level.LOOK, Level.LOOK, "rows-written")
    assert "3 inserted, 0 updated, 0 deleted" in finding.why


def test_writes_to_one_chunk_do_not_explain_another() -> None:
    chunks = (chunk("1", "2", "c1", schema="i"), chunk("2", "3", "c2", schema="i"))
    parts = tuple(
        RangeRows(range=c.name, source_rows=5, target_rows=4, equal=False, chunks=(f"i.{c.name}",))
        for c in chunks
    )
    result = _result(SetKind.HYPERTABLE, *parts, chunks=chunks)
    one = _evidence(before=WriteCounters({}), now=WriteCounters({"i.c1": (1, 0, 0)}))
    assert rows_findings((result,), one)[1].id == "rows-differ"
    each = _evidence(
        before=WriteCounters({}), now=WriteCounters({"i.c1": (1, 0, 0), "i.c2": (0, 1, 0)})
    )
    assert rows_findings((result,), each)[1].id == "rows-written"


def test_with_a_snapshot_writes_explain_nothing() -> None:
    evidence = _evidence(
        before=WriteCounters({}), now=WriteCounters({"a.t": (3, 0, 0)}), snapshot="00000003-1"
    )
    assert rows_findings((_result(SetKind.TABLE, _LESS),), evidence)[1].id == "rows-differ"


@pytest.mark.parametrize(
    ("schema", "relation"),
    [
        ("", "compress_hyper_2_9_chunk"),
        ("_timescaledb_internal", "compress_hyper_2_9_chunk"),
        ("i", "c1"),
        ("a", "t"),
    ],
)
def test_a_lost_verdict_is_named_with_the_hypertables_rows(schema: str, relation: str) -> None:
    own = chunk(
        "1", "2", "c1", schema="i", compressed="_timescaledb_internal.compress_hyper_2_9_chunk"
    )
    result = _result(
        SetKind.HYPERTABLE,
        RangeRows(range="[1, 2)", source_rows=100, target_rows=0, equal=False, chunks=("i.c1",)),
        chunks=(own,),
    )
    verdict = judged(
        Verdict.LOST, schema=schema, relation=relation, message="COPY failed for table"
    )
    _, finding = rows_findings((result,), _evidence(judged=(verdict,)))
    assert (finding.id, finding.level) == ("rows-lost", Level.FAIL)
    assert finding.what == "a.t: 100 rows on the source, 0 on the target; 100 missing"
    assert "COPY failed" in finding.why
    assert finding.details == ("[1, 2): 100 rows on the source, 0 on the target (i.c1)",)


@pytest.mark.parametrize(("schema", "relation"), [("", "other"), ("other", "t"), ("", "")])
def test_a_lost_verdict_on_another_table_is_not_this_ones(schema: str, relation: str) -> None:
    verdict = judged(Verdict.LOST, schema=schema, relation=relation)
    _, finding = rows_findings((_result(SetKind.TABLE, _LESS),), _evidence(judged=(verdict,)))
    assert finding.id == "rows-differ"


def test_a_materialized_view_that_is_fresher_is_for_a_look() -> None:
    total, finding = rows_findings((_result(SetKind.MATVIEW, _LESS),), _evidence())
    assert (total.level, finding.id) == (Level.LOOK, "rows-recomputed")


def test_what_the_role_may_not_read_is_named() -> None:
    result = _result()
    result.unreadable.append(Unreadable("target", "permission denied", True, False))
    total, finding = rows_findings((result,), _evidence())
    assert (total.level, finding.level) == (Level.LOOK, Level.LOOK)
    assert finding.what.startswith("a.t could not be compared: this role lacks the privilege")


def test_newer_rows_come_with_sql_to_see_them() -> None:
    newer = {
        ("public", "events"): WritesSince(
            inserted=1912, updated=3, deleted=0, rows=1912, show="SELECT 1;", name="public.events"
        ),
        ("", "b"): WritesSince(inserted=0, updated=2, deleted=0, name="b"),
    }
    _, events_or_b, other = rows_findings((), Evidence(job=job(), counters=None, newer=newer))
    assert events_or_b.what == "b: rows changed on the source since copying began"
    assert other.what == "public.events: +1,912 rows on the source since copying began"
    assert events_or_b.todo == "Copy these rows, or accept the loss."
    assert other.todo == (
        "On the source, run this and copy the rows it returns, or accept the loss."
    )
    assert (events_or_b.details, other.details) == ((), ("SELECT 1;",))


def test_counters_that_were_reset_count_from_nothing() -> None:
    then = WriteCounters({"t": (100, 5, 5)})
    assert WriteCounters({"t": (100, 5, 5)}).changed_since(then, "t") is None
    assert WriteCounters({"t": (3, 0, 0)}).changed_since(then, "t") == (3, 0, 0)
    assert WriteCounters({"t": (101, 6, 5)}).changed_since(then, "t") == (1, 1, 0)
    assert WriteCounters({}).changed_since(WriteCounters({}), "t") is None
