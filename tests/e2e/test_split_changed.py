"""Whatever is changed on the target by hand before the check of a split migration is named."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.compared_ends import Comparer
from tests.support.embedded import pair_of_superusers
from tests.support.program import Program
from tests.support.step_context import step_context
from tests.support.target_mutations import ALTERED, DROPPED, Mutation
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Level

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

_ONE_OF_EACH = Path(__file__).parents[1] / "support" / "one_of_each_kind.sql"

# What this method does not migrate (and names, but for a setting of a chunk's own column) cannot
# be changed on the target.
_NOT_MIGRATED = (
    "hot_days",
    "site_temperatures",
    "conditions_daily",
    "conditions_hourly",
    "_job(",
    "PUBLICATION",
    "chunk_target_size",
    "ALTER note SET STATISTICS",
)


@dataclass(frozen=True)
class Moved:
    """A split migration whose program was killed when only the check was left."""

    program: Program
    source: Endpoint
    target: Endpoint


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def moved(
    prepared_sample: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Moved]:
    async with pair_of_superusers() as pair:
        source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
        async with connected(source) as connection:
            await connection.execute("SET search_path = public")
            await connection.execute(_ONE_OF_EACH.read_text(encoding="utf-8").encode())
        program = Program.make(tmp_path_factory.mktemp("changed"), pair)
        answers = program.answers(pair, method="split")
        await program.killed_at("▸ Check everything", "--answers", answers)
        target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
        yield Moved(program, source, target)


@pytest.mark.parametrize("mutations", [DROPPED, ALTERED], ids=["dropped", "altered"])
async def test_every_change_by_hand_is_named(
    moved: Moved, mutations: tuple[Mutation, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSWIZARD_STATE_DIR", str(tmp_path))
    migrated = [m for m in mutations if not any(word in m.sql for word in _NOT_MIGRATED)]
    assert len(migrated) > 0.8 * len(mutations)
    async with step_context(tmp_path, moved.source, moved.target) as run:
        comparer = await Comparer.of(run, caggs=True)
        async with connected(moved.target) as target:
            faithful = await comparer.differences(target)
            assert [d.words for d in faithful if d.level is not Level.PASS] == []
            async with target.transaction(force_rollback=True):
                await target.execute("SET LOCAL search_path = public")
                for mutation in migrated:
                    await target.execute(mutation.sql.encode())
                await target.execute("SET LOCAL search_path = pg_catalog")
                found = await comparer.differences(target)
    wrong = [d for d in found if d.level is not Level.PASS]
    named = {(d.key.kind, d.key.name) for d in wrong}
    expected = {change[:2] for mutation in migrated for change in mutation.changes}
    assert expected - named == set()
    # Chunks and what is on them are known by their slices here; each such change is seen as well.
    inside = {kind for kind, _ in named - expected}
    parts = [{kind for kind, _ in m.parts} for m in migrated if m.parts]
    assert [kinds for kinds in parts if not kinds & inside] == []
    assert inside <= set().union(*parts)


# One of each kind that holds rows or makes them, and of each that a migration by hand loses.
_BY_HAND = {
    "more.things": "DELETE FROM more.things WHERE id = 12",
    "more.child": "UPDATE more.child SET extra = 2",
    "public.visits_2025": "DELETE FROM public.visits_2025 WHERE ctid IN "
    "(SELECT ctid FROM public.visits_2025 LIMIT 1)",
    "public.conditions": "UPDATE public.conditions SET temperature = temperature + 1 "
    'WHERE "time" = (SELECT min("time") FROM public.conditions)',
    "public.door_openings": "INSERT INTO public.door_openings "
    "SELECT * FROM public.door_openings LIMIT 1",
    "large objects": "SELECT lo_unlink(min(oid)) FROM pg_largeobject_metadata",
    "ticket_seq": "SELECT setval('public.ticket_seq', 1)",
    "operators_shift_excl": "ALTER TABLE operators DROP CONSTRAINT operators_shift_excl",
    "things_kind": "DROP INDEX more.things_kind",
    "watch": "ALTER TABLE more.things DISABLE TRIGGER watch",
    "fill_levels": "SELECT set_chunk_time_interval('fill_levels', interval '8 days')",
}


async def test_the_run_says_fail_and_names_each(moved: Moved) -> None:
    """The last test of this file: the target stays as it is now."""
    async with connected(moved.target) as target:
        await target.execute("SET search_path = public")
        await target.execute("SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0")
        for statement in _BY_HAND.values():
            await target.execute(statement.encode())
    ended = await moved.program.call("resume")
    assert ended.code == 1, ended.err
    report = moved.program.report()
    assert report["result"] == "fail"
    failed = " ".join(str(f) for f in report["findings"] if f["level"] == "fail")
    assert {name for name in _BY_HAND if name not in failed} == set()
    unequal = {table["name"] for table in report["tables"] if not table["equal"]}
    assert unequal >= {"more.things", "more.child", "public.visits_2025", "public.conditions"}
