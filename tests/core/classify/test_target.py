"""The proofs, asked of the embedded pair: real TimescaleDB, real definitions."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.classified import judge
from tests.support.embedded import pair_of_superusers
from tswizard.core.classify import target
from tswizard.core.classify.origin import find_origin
from tswizard.core.classify.prove import Origin, prove
from tswizard.core.classify.target import TargetProver
from tswizard.core.db.connection import Connection, connect, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.judged import ProofState
from tswizard.core.model.verdict import Verdict

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


class Ends:
    """The pair's two ends and a prover that asks both."""

    def __init__(self, source: Endpoint, target: Endpoint) -> None:
        self.source, self.target = source, target
        self.prover = TargetProver(lambda: connect(target), lambda: connect(source))

    async def holds(self, proof: str, **args: str) -> bool | None:
        return await self.prover.holds(proof, args)

    async def on_target(self, *statements: str) -> None:
        await _run(self.target, statements)

    async def on_source(self, *statements: str) -> None:
        await _run(self.source, statements)


async def _run(endpoint: Endpoint, statements: tuple[str, ...]) -> None:
    connection = await connect(endpoint)
    try:
        for statement in statements:
            await connection.execute(statement.encode())
    finally:
        await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ends() -> AsyncIterator[Ends]:
    async with pair_of_superusers() as pair:
        found = Ends(
            Endpoint.parse(pair.source_conninfo, password=pair.source_password),
            Endpoint.parse(pair.target_conninfo, password=pair.target_password),
        )
        yield found
        await found.prover.close()


async def test_extension(ends: Ends) -> None:
    assert await ends.holds("extension-exists", extension="timescaledb") is True
    assert await ends.holds("extension-exists", extension="postgis") is False


async def test_schema(ends: Ends) -> None:
    assert await ends.holds("schema-exists", schema="public") is True
    assert await ends.holds("schema-exists", schema="Plant Ops") is False


async def test_circle_of_the_catalogs_own_tables(ends: Ends) -> None:
    assert await ends.holds("catalog-tables-only", tables="hypertable\nchunk") is True
    await ends.on_source(
        "CREATE TABLE public.chunk (id integer PRIMARY KEY, up integer REFERENCES public.chunk)"
    )
    try:
        assert await ends.holds("catalog-tables-only", tables="hypertable") is True
        assert await ends.holds("catalog-tables-only", tables="chunk") is False
    finally:
        await ends.on_source("DROP TABLE public.chunk")


async def test_privileges_of_what_is_nobodys(ends: Ends) -> None:
    await ends.on_target("CREATE TABLE public.mine (i integer)")
    assert await ends.holds("not-the-users", thing="time_bucket") is True
    assert await ends.holds("not-the-users", thing="continuous_agg") is True
    assert await ends.holds("not-the-users", thing="pg_sleep") is True
    assert await ends.holds("not-the-users", thing="mine") is False
    assert await ends.holds("not-the-users", thing="public") is False
    assert await ends.holds("not-the-users", thing="none_such") is None


async def test_materialization_hypertable(ends: Ends) -> None:
    connection = await connect(ends.source)
    number = await value(
        connection,
        "SELECT mat_hypertable_id FROM _timescaledb_catalog.continuous_agg "
        "WHERE user_view_name = 'Monthly \"sums\"'",
    )
    await connection.close()
    ids = {"id": str(number), "bare": 'Monthly "sums"'}
    assert await ends.holds("mat-hypertable", in_schema="Plant Ops", **ids) is True
    assert await ends.holds("mat-hypertable", in_schema="", **ids) is True
    assert await ends.holds("mat-hypertable", in_schema="public", **ids) is False
    assert await ends.holds("mat-hypertable", in_schema="", id="999", bare="x") is False


@pytest.mark.parametrize(
    ("relation", "waits"),
    [
        ("public.conditions_daily", True),
        ('Plant Ops.Monthly "sums"', True),
        ("public.hot_days", True),
        ("public.sites", False),
        ("public.none_such", False),
        ("conditions_daily", None),
    ],
)
async def test_views_on_aggregates(ends: Ends, relation: str, waits: bool | None) -> None:
    assert await ends.holds("waits-for-cagg", relation=relation) is waits


async def test_index_definition(ends: Ends) -> None:
    await ends.on_target(
        'CREATE TABLE public."Odd t" ("time" timestamptz, v float)',
        'CREATE INDEX "Odd idx" ON public."Odd t" USING btree ("time" DESC)',
    )

    async def equal(command: str, index: str = "Odd idx") -> bool | None:
        return await ends.holds("index-equal", index=index, command=command)

    same = 'CREATE INDEX "Odd idx" ON public."Odd t" USING btree ("time" DESC);'
    assert await equal(same) is True
    assert await equal(same.replace(" ON ", "\n  ON ")) is True
    assert await equal(same.replace(" DESC", "")) is False
    assert await equal(same.replace("INDEX", "UNIQUE INDEX", 1)) is False
    assert await equal(f'{same}\n\nALTER TABLE public."Odd t" CLUSTER ON "Odd idx";') is False
    assert await equal(same.replace("Odd t", "other"), "Odd idx") is False
    assert await equal("CREATE TABLE x ();") is None
    assert await equal(same[:-5]) is False


async def test_own_trigger(ends: Ends) -> None:
    await ends.on_target(
        "CREATE TABLE public.plain (t timestamptz NOT NULL)",
        "CREATE TABLE public.hyper (t timestamptz NOT NULL)",
        "SELECT public.create_hypertable('public.hyper', 't')",
        "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end'",
        "CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.plain "
        "FOR EACH ROW EXECUTE FUNCTION public.f()",
    )

    async def there(table: str) -> bool | None:
        return await ends.holds("trigger-exists", trigger="ts_insert_blocker", table=table)

    connection = await connect(ends.target)
    own = await value(
        connection,
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'ts_insert_blocker' "
        "AND tgrelid = 'public.hyper'::regclass)",
    )
    await connection.close()
    assert await there("public.hyper") is own
    assert await there("public.plain") is False
    assert await there("public.none_such") is False
    assert await there("") is None
    gone = await ends.holds(
        "trigger-function-gone", function="_timescaledb_functions.insert_blocker"
    )
    assert gone is not own
    assert (
        await ends.holds("trigger-function-gone", function="_timescaledb_functions.none_such")
        is True
    )


async def test_origin_of_every_chunk_of_the_source(ends: Ends) -> None:
    connection = await connect(ends.source)
    chunks = await rows(
        connection,
        "SELECT c.schema_name, c.table_name, p.id IS NOT NULL, "
        "a.user_view_schema || '.' || a.user_view_name, h.schema_name || '.' || h.table_name "
        "FROM _timescaledb_catalog.chunk c "
        "LEFT JOIN _timescaledb_catalog.chunk p ON p.compressed_chunk_id = c.id "
        "JOIN _timescaledb_catalog.hypertable h ON h.id = COALESCE(p.hypertable_id, "
        "c.hypertable_id) "
        "LEFT JOIN _timescaledb_catalog.continuous_agg a ON a.mat_hypertable_id = h.id",
    )
    await connection.close()
    assert {compressed for _, _, compressed, _, _ in chunks} == {False, True}
    assert any(cagg for _, _, _, cagg, _ in chunks)
    for schema, name, compressed, cagg, hypertable in chunks[::7]:
        origin = await ends.prover.origin(schema, name)
        assert origin == await ends.prover.origin("", name)
        assert origin is not None
        assert (origin.kind, origin.name) == (
            ("continuous aggregate", cagg) if cagg else ("hypertable", hypertable)
        )
        assert ("compressed" in origin.part) is compressed
    assert await ends.prover.origin("public", "sites") is None
    assert await ends.prover.origin("other", chunks[0][1]) is None


async def test_origin_in_the_catalog_of_2_29(ends: Ends) -> None:
    """`chunk.relid` instead of names, and compressed tables in compression_settings alone."""
    connection = await connect(ends.target)
    try:
        async with connection.transaction(force_rollback=True):
            for statement in (
                "DROP EXTENSION timescaledb CASCADE",
                "CREATE SCHEMA _timescaledb_catalog",
                "CREATE TABLE _timescaledb_catalog.hypertable (id integer, schema_name name, "
                "table_name name)",
                "CREATE TABLE _timescaledb_catalog.chunk (id integer, relid regclass, "
                "hypertable_id integer)",
                "CREATE TABLE _timescaledb_catalog.compression_settings (relid regclass, "
                "compress_relid regclass)",
                "CREATE TABLE _timescaledb_catalog.continuous_agg (mat_hypertable_id integer, "
                "user_view_schema name, user_view_name name)",
                "CREATE TABLE public._hyper_1_1_chunk ()",
                "CREATE TABLE public.compress_hyper_2_2_chunk ()",
                "CREATE TABLE public._hyper_3_3_chunk ()",
                "INSERT INTO _timescaledb_catalog.hypertable VALUES (1, 'metrics', 'conditions'), "
                "(3, '_timescaledb_internal', '_materialized_hypertable_3')",
                "INSERT INTO _timescaledb_catalog.continuous_agg VALUES (3, 'metrics', 'daily')",
                "INSERT INTO _timescaledb_catalog.chunk VALUES "
                "(1, 'public._hyper_1_1_chunk', 1), (3, 'public._hyper_3_3_chunk', 3)",
                "INSERT INTO _timescaledb_catalog.compression_settings VALUES "
                "('public._hyper_1_1_chunk', 'public.compress_hyper_2_2_chunk')",
            ):
                await connection.execute(statement.encode())
            assert await find_origin(connection, "", "_hyper_1_1_chunk") == Origin(
                "hypertable", "metrics.conditions", "one of its chunks"
            )
            assert await find_origin(connection, "public", "compress_hyper_2_2_chunk") == Origin(
                "hypertable", "metrics.conditions", "one of its compressed chunks"
            )
            assert await find_origin(connection, "", "_hyper_3_3_chunk") == Origin(
                "continuous aggregate", "metrics.daily", "one of its chunks"
            )
            assert await find_origin(connection, "", "none_such") is None
    finally:
        await connection.close()


async def test_lost_rows_carry_the_name_of_their_hypertable(ends: Ends) -> None:
    connection = await connect(ends.source)
    compressed = await value(
        connection,
        "SELECT c.table_name FROM _timescaledb_catalog.chunk c "
        "JOIN _timescaledb_catalog.chunk p ON p.compressed_chunk_id = c.id LIMIT 1",
    )
    await connection.close()
    judged, _ = judge(
        f'pg_restore: error: COPY failed for table "{compressed}": ERROR:  function 0x7f returned '
        "NULL\n",
        "full",
        "data",
    )
    named = await prove(judged, ends.prover)
    assert named.verdict is Verdict.LOST
    assert named.object.startswith("hypertable ")
    assert compressed in named.reason
    assert "one of its compressed chunks" in named.reason


async def test_without_a_connection_nothing_is_proven(ends: Ends) -> None:
    async def refused() -> Connection:
        raise CannotConnect("Nothing listens there.", "Start it.")

    for prover in (TargetProver(None), TargetProver(refused, refused)):
        assert await prover.holds("extension-exists", {"extension": "timescaledb"}) is None
        assert await prover.holds("waits-for-cagg", {"relation": "a.b"}) is None
        assert await prover.origin("", "x") is None
        assert await prover.holds("no-such-proof", {}) is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELEC true", "syntax error"),
        ("SELECT extnme FROM pg_catalog.pg_extension", 'column "extnme" does not exist'),
        ("SELECT pg_catalog.no_such()", "no_such() does not exist"),
        ("SELECT FROM pg_catalog.pg_no_such", "pg_no_such"),
        ("SELECT %(misspelt)s", "misspelt"),
    ],
)
async def test_a_fault_in_a_query_of_ours_is_logged(
    ends: Ends, monkeypatch: pytest.MonkeyPatch, query: str, message: str
) -> None:
    monkeypatch.setattr(target, "_EXTENSION", query)
    said: list[str] = []
    prover = TargetProver(lambda: connect(ends.target))
    prover.say = said.append
    assert await prover.holds("extension-exists", {"extension": "timescaledb"}) is None
    await prover.close()
    assert len(said) == 1
    assert said[0].startswith("a query of tswizard itself failed on the target")
    assert message in said[0]


async def test_what_a_database_refuses_is_no_fault_of_ours(ends: Ends) -> None:
    said: list[str] = []
    prover = TargetProver(None, lambda: connect(ends.source))
    prover.say = said.append
    assert await prover.holds("mat-hypertable", {"id": "x", "bare": "y", "in_schema": ""}) is None
    await prover.close()
    assert said == []


async def test_a_connection_that_breaks_is_opened_again(ends: Ends) -> None:
    opened: list[Connection] = []

    async def counted() -> Connection:
        opened.append(await connect(ends.target))
        return opened[-1]

    prover = TargetProver(counted)
    args = {"extension": "timescaledb"}
    assert await prover.holds("extension-exists", args) is True
    await opened[0].close()
    assert await prover.holds("extension-exists", args) is None
    assert await prover.holds("extension-exists", args) is True
    assert len(opened) == 2
    await prover.close()


async def test_from_the_line_to_the_proof(ends: Ends) -> None:
    text = (
        "pg_restore: from TOC entry 6239; 0 0 COMMENT EXTENSION timescaledb \n"
        "pg_restore: error: could not execute query: ERROR:  must be owner of extension "
        "timescaledb\nCommand was: COMMENT ON EXTENSION timescaledb IS 'x';\n\n\n"
        "pg_restore: warning: errors ignored on restore: 1\n"
    )
    judged = judge(text, "full", "pre-data")[0]
    assert judged.verdict is Verdict.LOOK
    proven = await prove(judged, ends.prover)
    assert proven.verdict is Verdict.SAFE
    assert proven.proof_state is ProofState.HELD
    assert "the extension timescaledb exists on the target" in proven.reason
