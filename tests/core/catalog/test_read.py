"""Reading real servers: what comes out is what the server itself says."""

import psycopg
import pytest
from psycopg import sql

from tests.support.native import SOURCE, database, named
from tswizard.core.catalog import read
from tswizard.core.catalog.catalog_shape import read_shape
from tswizard.core.catalog.extras import read_extras
from tswizard.core.catalog.hypertable_model import DimensionKind
from tswizard.core.catalog.inventory import Inventory, Server
from tswizard.core.catalog.nulls import read_nulls
from tswizard.core.catalog.policy_kinds import USER_DEFINED, policy_kind
from tswizard.core.catalog.read import CannotRead, read_inventory, read_server
from tswizard.core.catalog.sequences import read_sequences
from tswizard.core.catalog.server import detect_pooler
from tswizard.core.db.connection import connect_plainly, connected, rows, value
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.asyncio(loop_scope="module")


def with_options(endpoint: Endpoint, options: str) -> Endpoint:
    """The same server with settings for the session."""
    changed = Endpoint.parse(f"{endpoint.conninfo} options='{options}'")
    return changed.with_password(endpoint.password)


async def test_the_server(source: Endpoint) -> None:
    server = await read_server(source)
    async with connected(source) as connection:
        facts = await rows(
            connection,
            "SELECT current_setting('server_version_num')::int, current_database(), CURRENT_USER, "
            "(SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')",
        )
    assert (server.version_num, server.database, server.role.name, server.timescaledb) == facts[0]
    assert server.timescaledb in server.timescaledb_offered
    assert server.license == "timescale"
    assert 0 < server.latency_s < 5
    assert server.size_bytes > 1_000_000
    assert not server.pooler
    assert not server.restoring
    assert not server.in_recovery
    assert server.role.creates


@pytest.mark.e2e
async def test_one_backend_for_all_is_seen_and_is_no_pooler(embedded: Endpoint) -> None:
    server = await read_server(embedded)
    assert (server.pooler, server.concurrent) == (False, False)


@pytest.mark.native
async def test_a_real_server_works_on_several_connections(native: Endpoint) -> None:
    assert (await read_server(native)).concurrent


@pytest.mark.native
async def test_a_locked_table_is_not_waited_for_all_night(
    native: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "LOCK_WAIT", 1)
    server = await read_server(native)
    (table, *_others) = (await read_inventory(native, server=server)).tables
    async with connected(native) as holder:
        await holder.execute("BEGIN")
        await holder.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(
                sql.Identifier(table.schema, table.name)
            )
        )
        with pytest.raises(read.CannotRead, match="locked by another session for 1 s"):
            await read_inventory(native, server=server)


@pytest.mark.native
async def test_a_connection_that_is_lost_is_told_as_that() -> None:
    async with database(named(SOURCE)) as end:

        def end_the_session(what: str) -> None:
            if what == "what a dump would not hold":
                with psycopg.connect(end.conninfo, password=end.password, autocommit=True) as other:
                    other.execute(
                        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                        "AND backend_type = 'client backend'"
                    )

        with pytest.raises(CannotRead) as caught:
            await read_inventory(end, end_the_session)
    assert caught.value.what.startswith(f"{end.label}: the catalog cannot be read.")
    assert "somebody ended the session" in caught.value.what
    assert "owner" not in caught.value.todo
    assert caught.value.todo.endswith("Then try again.")


@pytest.mark.native
async def test_a_pooler_is_seen_and_left_as_it_was() -> None:
    pooler = named("TSWIZARD_TEST_POOLER")
    server = await read_server(pooler)
    assert server.pooler
    await read_inventory(pooler, server=server)
    connection = await connect_plainly(pooler)
    try:
        paths = {await value(connection, "SHOW search_path") for _ in range(5)}
    finally:
        await connection.close()
    assert paths == {'"$user", public'}


@pytest.mark.parametrize(
    ("announced", "pid", "other", "shows_through", "verdict"),
    [
        (7, 7, 8, False, (False, True)),
        (7, 9, 8, False, (True, True)),  # a pool with a server session for each client
        (7, 9, 9, True, (True, False)),  # a pool that lends one session to both
        (7, 9, 9, False, (False, False)),  # one backend that keeps sessions apart
        (9, 9, 9, False, (False, False)),
        (7, 7, None, False, (False, False)),  # no second connection to be had
        (7, 9, None, False, (True, False)),
    ],
)
async def test_who_answers(
    announced: int, pid: int, other: int | None, shows_through: bool, verdict: tuple[bool, bool]
) -> None:
    assert detect_pooler(announced, pid, other, shows_through=shows_through) == verdict


async def test_one_identity_for_one_database(source: Endpoint) -> None:
    first, second = await read_server(source), await read_server(source)
    assert first.identity == second.identity
    # Two servers can start at one instant, and their first databases have equal oids.
    assert first.identity.endswith(f" {first.database}")


async def test_reading_writes_nothing_and_tells_what_it_reads(source: Endpoint) -> None:
    readonly = with_options(source, "-c default_transaction_read_only=on")
    told: list[str] = []
    inventory = await read_inventory(readonly, told.append)
    assert "hypertables and chunks" in told
    assert inventory.hypertables


async def test_settings_of_the_role_do_not_show(source: Endpoint) -> None:
    odd = with_options(
        source, "-c timezone=Asia/Tokyo -c datestyle=German -c intervalstyle=iso_8601"
    )
    plain, oddly = await read_inventory(source), await read_inventory(odd)
    assert oddly.hypertables == plain.hypertables
    assert oddly.jobs == plain.jobs


async def test_sizes_are_the_servers_own(source: Endpoint) -> None:
    inventory = await read_inventory(source)
    async with connected(source) as connection:
        for hypertable in inventory.hypertables:
            size = sql.SQL("SELECT public.hypertable_size({})").format(sql.Literal(hypertable.sql))
            assert hypertable.bytes == await value(connection, size), hypertable.label
            assert 0 <= hypertable.index_bytes <= hypertable.bytes
        for table in inventory.tables:
            size = sql.SQL("SELECT pg_total_relation_size({})").format(sql.Literal(table.sql))
            assert table.bytes == await value(connection, size), table.label
    assert 0 < inventory.dump_bytes < inventory.stored_bytes


async def test_chunks_are_all_there(source: Endpoint) -> None:
    inventory = await read_inventory(source)
    async with connected(source) as connection:
        listed = await rows(
            connection,
            "SELECT chunk_schema, chunk_name, is_compressed FROM timescaledb_information.chunks",
        )
    found = [(c.schema, c.name, c.compressed) for h in inventory.hypertables for c in h.chunks]
    assert sorted(found) == sorted(listed)
    packed = [c for h in inventory.hypertables for c in h.chunks if c.compressed_table]
    assert packed
    assert all(c.compressed for c in packed)


async def test_each_chunk_has_what_its_hypertable_says_it_has(source: Endpoint) -> None:
    """Indexes, foreign keys and triggers: each is an entry of a dump's post-data."""
    inventory = await read_inventory(source)
    async with connected(source) as connection:
        for hypertable in inventory.hypertables:
            for chunk in hypertable.chunks[:2]:
                own = await value(
                    connection,
                    sql.SQL(
                        "SELECT (SELECT count(*) FROM pg_index WHERE indrelid = c)"
                        " + (SELECT count(*) FROM pg_constraint WHERE conrelid = c"
                        " AND contype = 'f')"
                        " + (SELECT count(*) FROM pg_trigger WHERE tgrelid = c"
                        " AND NOT tgisinternal AND tgtype & 1 = 1)"
                        " FROM (SELECT {}::regclass AS c) x"
                    ).format(sql.Literal(chunk.sql)),
                )
                assert hypertable.post_data == own, hypertable.label
    assert len({hypertable.post_data for hypertable in inventory.hypertables}) > 1


async def test_ranges_are_literals_that_hold_the_chunks_rows(source: Endpoint) -> None:
    """Half open, in the dimension's own type: every row of a chunk, and no other."""
    inventory = await read_inventory(source)
    seen = set()
    async with connected(source) as connection:
        for hypertable in inventory.hypertables:
            if not hypertable.chunks or hypertable.dimensions[0].partitioning_function:
                continue
            kind = hypertable.dimensions[0].column_type
            seen.add(kind)
            inside = sql.SQL("{} >= {}::{} AND {} < {}::{}")
            chunk = hypertable.chunks[len(hypertable.chunks) // 2]
            column = sql.Identifier(hypertable.dimensions[0].column)
            kind_sql = sql.SQL(_type(kind))
            condition = inside.format(
                column, chunk.range_start, kind_sql, column, chunk.range_end, kind_sql
            )
            table = sql.Identifier(hypertable.schema, hypertable.name)
            within = await value(
                connection, sql.SQL("SELECT count(*) FROM {} WHERE {}").format(table, condition)
            )
            alike = [
                c
                for c in hypertable.chunks
                if (c.range_start, c.range_end) == (chunk.range_start, chunk.range_end)
            ]
            stored = 0
            for part in alike:
                own = sql.Identifier(part.schema, part.name)
                stored += await value(connection, sql.SQL("SELECT count(*) FROM {}").format(own))
            assert within == stored > 0, hypertable.label
    assert {"timestamp with time zone", "bigint"} <= seen


def _type(kind: str) -> str:
    assert kind in {
        "timestamp with time zone",
        "timestamp without time zone",
        "date",
        "bigint",
        "integer",
        "smallint",
    }
    return kind


async def test_hypertables_of_aggregates_carry_their_name(source: Endpoint) -> None:
    inventory = await read_inventory(source)
    caggs = {c.label: c for c in inventory.caggs}
    assert caggs
    for hypertable in inventory.hypertables:
        if hypertable.cagg:
            cagg = caggs.pop(hypertable.cagg)
            assert (cagg.materialization_schema, cagg.materialization_name) == (
                hypertable.schema,
                hypertable.name,
            )
    assert not caggs


async def test_definitions_run_as_they_are(source: Endpoint) -> None:
    inventory = await read_inventory(source)
    made: set[str] = set()
    async with connected(source) as connection:
        for cagg in inventory.caggs:
            query = sql.SQL("SELECT count(*) FROM ({}) AS q").format(
                sql.SQL(_text(cagg.definition))
            )
            assert await value(connection, query) > 0, cagg.label
            assert cagg.parent is None or cagg.parent in made
            made.add(cagg.label)


def _text(definition: str) -> str:
    assert not definition.rstrip().endswith(";")
    return definition


async def test_jobs_name_what_they_work_on(source: Endpoint) -> None:
    inventory = await read_inventory(source)
    labels = {h.label for h in inventory.hypertables}
    assert {j.proc_name for j in inventory.jobs} >= {
        "policy_retention",
        "policy_compression",
        "policy_refresh_continuous_aggregate",
    }
    for job in inventory.jobs:
        assert job.id >= 1000
        assert job.target in labels or not job.proc_name.startswith("policy_")
    async with connected(source) as connection:
        listed = await rows(
            connection,
            "SELECT job_id, scheduled, schedule_interval::text FROM timescaledb_information.jobs "
            "WHERE job_id >= 1000 ORDER BY job_id",
        )
    assert [(j.id, j.scheduled, j.schedule_interval) for j in inventory.jobs] == listed


async def test_every_policy_of_the_server_is_of_a_known_kind(source: Endpoint) -> None:
    async with connected(source) as connection:
        procedures = await rows(
            connection,
            "SELECT DISTINCT n.nspname::text, p.proname::text FROM pg_catalog.pg_proc p "
            "JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname ~ '^_timescaledb_' AND p.proname ~ '^policy_' "
            "AND p.proname !~ '_(check|execute)$'",
        )
    unknown = {name for schema, name in procedures if policy_kind(schema, name) is USER_DEFINED}
    assert len(procedures) > len(unknown)
    # Jobs of these are the extension's own, with ids below 1000.
    assert unknown <= {"policy_job_error_retention", "policy_job_stat_history_retention"}


async def test_sequences_are_exact(source: Endpoint) -> None:
    inventory = await read_inventory(source)
    assert inventory.sequences
    async with connected(source) as connection:
        for sequence in inventory.sequences:
            name = sql.Identifier(sequence.schema, sequence.name)
            state = await rows(
                connection, sql.SQL("SELECT last_value, is_called FROM {}").format(name)
            )
            assert [(sequence.last_value, sequence.is_called)] == state


async def test_nothing_of_the_extension_counts_as_the_users(source: Endpoint) -> None:
    inventory = await read_inventory(source)
    names = [t.label for t in inventory.tables] + list(inventory.schemas)
    names += list(inventory.extras.objects)
    assert not [name for name in names if "timescaledb" in name or "_hyper_" in name]
    assert {d.kind for h in inventory.hypertables for d in h.dimensions} == set(DimensionKind)


@pytest.mark.e2e
async def test_an_empty_target_has_nothing(superusers_pair: EmbeddedPair) -> None:
    """Our own mark does not count, nor what extensions bring."""
    pair = superusers_pair
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(target) as connection:
        await connection.execute("CREATE SCHEMA _tswizard")
        await connection.execute("CREATE TABLE _tswizard.run (run text)")
        assert (await read_inventory(target)).user_objects == 0
        await connection.execute("CREATE TYPE public.mood AS ENUM ('fine')")
        found = await read_inventory(target)
        assert found.extras.objects == ("type public.mood",)
        assert found.user_objects == 1
        await connection.execute("DROP TYPE public.mood")
        await connection.execute("DROP SCHEMA _tswizard CASCADE")


@pytest.mark.e2e
class TestChanges:
    """What a source that was changed shows; each test takes its change back."""

    pytestmark = pytest.mark.asyncio(loop_scope="module")

    async def read(self, endpoint: Endpoint) -> Inventory:
        return await read_inventory(endpoint)

    async def test_roles_owners_and_grants(self, embedded: Endpoint) -> None:
        async with connected(embedded) as connection:
            await connection.execute(
                "CREATE ROLE clerk; CREATE ROLE idler; CREATE ROLE boss_of_till; "
                "CREATE TABLE public.till (id int); GRANT SELECT ON public.till TO clerk; "
                "ALTER TABLE public.till OWNER TO boss_of_till"
            )
            try:
                found = await self.read(embedded)
            finally:
                await connection.execute(
                    "DROP TABLE public.till; DROP ROLE clerk; DROP ROLE idler; "
                    "DROP ROLE boss_of_till"
                )
        assert {"clerk", "idler"} <= set(found.roles)
        assert "clerk" in found.roles_granted
        assert "idler" not in found.roles_granted
        assert "boss_of_till" in found.owners
        assert not {"clerk", "idler"} & set(found.owners)

    async def test_what_a_poor_role_may_not_read(self, embedded: Endpoint) -> None:
        async with connected(embedded) as connection:
            await connection.execute(
                "CREATE ROLE poor; CREATE TABLE public.vault (id serial); "
                "CREATE TABLE public.files (id int); ALTER TABLE public.files "
                "ENABLE ROW LEVEL SECURITY; GRANT SELECT ON public.files TO poor; "
                "SELECT lo_create(4711), lo_create(4712); "
                "GRANT SELECT ON LARGE OBJECT 4712 TO poor"
            )
            try:
                await connection.execute("SET ROLE poor")
                shape = await read_shape(connection)
                poor = await read_extras(connection, shape)
                sequences = await read_sequences(connection)
                await connection.execute("RESET ROLE")
                rich = await read_extras(connection, shape)
                objects = await value(connection, "SELECT count(*) FROM pg_largeobject_metadata")
            finally:
                await connection.execute("RESET ROLE")
                await connection.execute("SELECT lo_unlink(4711), lo_unlink(4712)")
                await connection.execute("DROP TABLE public.vault, public.files; DROP ROLE poor")
        assert {"public.vault", "public.vault_id_seq"} <= set(poor.unreadable)
        (closed,) = (what for what in poor.unreadable if "large object" in what)
        assert closed.startswith(f"{objects - 1} large objects from ")  # but the granted one
        assert "public.files" not in poor.unreadable
        assert "public.files" in poor.filtered
        assert next(s for s in sequences if s.name == "vault_id_seq").last_value == 1
        assert (rich.unreadable, rich.filtered) == ((), ())

    async def test_settings_are_named_without_their_values(self, embedded: Endpoint) -> None:
        async with connected(embedded) as connection:
            await connection.execute("ALTER DATABASE defaultdb SET app.token = 's3cret'")
            await connection.execute("ALTER DATABASE defaultdb SET timescaledb.restoring = 'on'")
            try:
                found = await self.read(embedded)
            finally:
                await connection.execute("ALTER DATABASE defaultdb RESET ALL")
        assert found.extras.settings == ("everybody: app.token",)
        assert "s3cret" not in repr(found)
        assert found.server.restoring

    async def test_an_extension_is_used_when_something_hangs_on_it(
        self, embedded: Endpoint
    ) -> None:
        found = await self.read(embedded)
        used = {e.name: e.used for e in found.extensions}
        assert used["timescaledb"]  # aggregates call its functions

    async def test_all_null_columns_in_compressed_chunks(self, embedded: Endpoint) -> None:
        """2.23 stores them as 2.19 does, and has the restore mended."""
        async with connected(embedded) as connection:
            for statement in (
                "CREATE TABLE public.gaps (at timestamptz NOT NULL, v int, note text)",
                "CREATE TABLE public.full (at timestamptz NOT NULL, v int, note text)",
                *(
                    f"SELECT public.create_hypertable('public.{name}', 'at')"
                    for name in ("gaps", "full")
                ),
                "INSERT INTO public.gaps SELECT '2024-01-01', g, NULL FROM generate_series(1,9) g",
                "INSERT INTO public.full SELECT '2024-01-01', g, 'x' FROM generate_series(1,9) g",
                *(
                    f"ALTER TABLE public.{name} SET (timescaledb.compress)"
                    for name in ("gaps", "full")
                ),
                *(
                    f"SELECT public.compress_chunk(c) FROM public.show_chunks('public.{name}') c"
                    for name in ("gaps", "full")
                ),
            ):
                await connection.execute(statement.encode())
            try:
                found = await self.read(embedded)
                nulls = await read_nulls(connection, "2.19.3", found.hypertables)
                none = await read_nulls(connection, "2.18.2", found.hypertables)
            finally:
                await connection.execute("DROP TABLE public.gaps")
                await connection.execute("DROP TABLE public.full")
        assert "public.gaps" in nulls.certain
        assert "public.full" not in nulls.certain
        assert nulls.unchecked == ()
        assert none.certain == ()
        assert found.null_compressed == ()


@pytest.mark.e2e
async def test_a_database_without_timescaledb(superusers_pair: EmbeddedPair) -> None:
    pair = superusers_pair
    target = Endpoint.parse(pair.target_conninfo, password=pair.target_password)
    async with connected(target) as connection:
        await connection.execute("DROP EXTENSION timescaledb CASCADE")
        await connection.execute("CREATE TABLE public.notes (id serial PRIMARY KEY, t text)")
        inventory = await read_inventory(target)
    server: Server = inventory.server
    assert server.timescaledb is None
    assert server.timescaledb_offered
    assert (inventory.hypertables, inventory.caggs, inventory.jobs) == ((), (), ())
    assert [t.label for t in inventory.tables] == ["public.notes"]
    assert [s.name for s in inventory.sequences] == ["notes_id_seq"]
