"""Every object of the target is dropped or altered by hand, and every one of them is named."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.migrated_pair import Migrated
from tests.support.target_mutations import ADDED, ALTERED, DROPPED, Mutation
from tswizard.core.db.connection import connect, value
from tswizard.core.model.finding import Level
from tswizard.core.model.object_kinds import OBJECT_KINDS
from tswizard.core.verify.database_reader import DatabaseReader, open_reader
from tswizard.core.verify.schema.column_details import with_columns
from tswizard.core.verify.schema.compare import Difference, SchemaComparison, compare_schemas
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.read import ObjectKey, Schema, read_schema
from tswizard.core.verify.schema.view_equivalence import without_equal_views

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="package")]


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def source_schema(migrated: Migrated) -> AsyncIterator[Schema]:
    side = DatabaseReader("source", migrated.source)
    yield await read_schema(await side.connection())
    await side.close()


async def compared(migrated: Migrated, source: Schema, *mutations: Mutation) -> SchemaComparison:
    """The comparison with some mutations of the target, which are rolled back."""
    side = DatabaseReader("target", migrated.target)
    connection = await side.connection()
    try:
        async with connection.transaction(force_rollback=True):
            await connection.execute("SET LOCAL search_path = public")
            for mutation in mutations:
                await connection.execute(mutation.sql)
            await connection.execute("SET LOCAL search_path = pg_catalog")
            return compare_schemas(source, await read_schema(connection))
    finally:
        await side.close()


async def test_a_faithful_target_shows_no_difference(
    migrated: Migrated, source_schema: Schema
) -> None:
    comparison = await compared(migrated, source_schema)
    assert [d.words for d in comparison.differences] == []
    findings = schema_findings(comparison, source_schema.labels)
    assert {f.level for f in findings} == {Level.PASS}


async def test_the_sample_has_nearly_every_kind(source_schema: Schema) -> None:
    have = {key.kind for key in source_schema.objects}
    lacking = set(OBJECT_KINDS) - have - {"owner", "catalog-row", "sequence-value"}
    assert lacking == {
        "window-function",  # only in C
        "conversion",  # kills the embedded server
        "transform",  # needs a second language
        "language",  # only plpgsql is there
        "base-type",  # only in C
        "text-search-parser",  # only in C
        "text-search-template",  # only in C
        "subscription",  # needs a publisher
        "security-label",  # needs a provider
        "database-setting",  # see its own test
        "not-null-constraint",  # since PostgreSQL 18
    }


@pytest.mark.parametrize(
    "mutations", [DROPPED, ALTERED, ADDED], ids=["dropped", "altered", "added"]
)
async def test_every_change_by_hand_is_named(
    migrated: Migrated, source_schema: Schema, mutations: tuple[Mutation, ...]
) -> None:
    comparison = await compared(migrated, source_schema, *mutations)
    named = {(d.key.kind, d.key.name, d.state) for d in comparison.differences if d.part is None}
    expected = {change for mutation in mutations for change in mutation.changes}
    assert named - expected == set()
    assert expected - named == set()
    inside = {(d.key.kind, d.state, d.part) for d in comparison.differences if d.part is not None}
    parts = {part for mutation in mutations for part in mutation.parts}
    assert {part for part in parts if not any(part[:2] == i[:2] for i in inside)} == set()
    levels = {d.level for d in comparison.differences if d.state != "extra"}
    assert Level.PASS not in levels


@pytest.mark.parametrize(
    ("sql", "changed"),
    [
        ("ALTER INDEX more.things_note NO DEPENDS ON EXTENSION plpgsql", "depends_on"),
        ("ALTER TRIGGER watch ON more.things NO DEPENDS ON EXTENSION plpgsql", "depends_on"),
        ("ALTER MATERIALIZED VIEW more.summed NO DEPENDS ON EXTENSION plpgsql", "depends_on"),
        (
            "ALTER MATERIALIZED VIEW more.summed RESET (toast.autovacuum_enabled)",
            "toast_options",
        ),
    ],
)
async def test_a_change_of_what_is_also_changed_otherwise(
    migrated: Migrated, source_schema: Schema, sql: str, changed: str
) -> None:
    (difference,) = (await compared(migrated, source_schema, Mutation(sql))).differences
    assert [name for name, _, _ in difference.changed] == [changed]


async def test_a_secret_in_foreign_options_is_compared_and_never_shown(
    migrated: Migrated, source_schema: Schema
) -> None:
    comparison = await compared(
        migrated,
        source_schema,
        Mutation("ALTER SERVER nowhere OPTIONS (SET password 'changed')"),
    )
    (difference,) = comparison.differences
    assert difference.key.name == "nowhere"
    assert "options differ" in difference.words
    words = str(schema_findings(comparison, source_schema.labels))
    assert "secret" not in words
    assert "changed" not in words


async def test_a_grant_to_a_role_that_is_missing_gives_the_statement(
    migrated: Migrated, source_schema: Schema
) -> None:
    comparison = await compared(
        migrated,
        source_schema,
        Mutation("DROP OWNED BY reporting CASCADE"),
        Mutation("DROP ROLE reporting"),
    )
    findings = {f.id: f for f in schema_findings(comparison, source_schema.labels)}
    grants = findings["schema-grant"]
    assert grants.level is Level.LOOK
    assert (
        "GRANT SELECT ON TABLE more.things TO reporting WITH GRANT OPTION;"
        "  -- the target has no role reporting" in grants.details
    )


async def test_database_settings_are_named_although_no_dump_carries_them(
    migrated: Migrated,
) -> None:
    connection = await connect(migrated.source)
    try:
        async with connection.transaction(force_rollback=True):
            await connection.execute("ALTER DATABASE defaultdb SET work_mem = '5MB'")
            source = await read_schema(connection)
    finally:
        await connection.close()
    (difference,) = (await compared(migrated, source)).differences
    assert difference.key.kind == "database-setting"
    assert difference.level is Level.LOOK
    assert "5MB" in difference.words


async def test_a_views_text_that_means_the_same_to_the_target_is_no_difference(
    migrated: Migrated,
) -> None:
    """As between major versions of PostgreSQL: the target itself reads the other text."""
    key = ObjectKey("view", "more.view")
    async with migrated.target_connection() as connection:
        printed = await value(connection, "SELECT pg_get_viewdef('more.view'::regclass)")
        plain = "SELECT things.id, things.kind IN ('a', 'b') AS known FROM more.things"
        other = plain.replace("'b'", "'c'")
        broken = "SELECT nothing FROM nowhere"
        found = await without_equal_views(
            connection,
            tuple(
                Difference(
                    key=key,
                    state="differs",
                    level=Level.LOOK,
                    changed=(("definition", text, printed),),
                )
                for text in (plain, other, broken)
            ),
        )
        assert [d.changed[0][1] for d in found] == [other, broken]
        assert await value(connection, "SELECT to_regclass('pg_temp.tswizard_proof')") is None


async def test_a_changed_column_of_a_chunk_is_told(
    migrated: Migrated, source_schema: Schema
) -> None:
    chunk = next(
        key.name
        for key, found in source_schema.objects.items()
        if key.kind == "chunk" and found.definition["hypertable"] == "public.fill_levels"
    )
    async with (
        migrated.target_connection() as connection,
        open_reader("source", migrated.source) as source,
        open_reader("target", migrated.target) as target,
    ):
        await connection.execute(f"ALTER TABLE {chunk} ALTER note SET STATISTICS 7")
        theirs = await target.run(read_schema)
        differences = await with_columns(
            (source, source_schema.catalogs),
            (target, theirs.catalogs),
            compare_schemas(source_schema, theirs).differences,
        )
        await connection.execute(f"ALTER TABLE {chunk} ALTER note SET STATISTICS -1")
    assert [d.words for d in differences] == [
        f"{chunk}: columns is note type=text default='automatic'::text statistics=7 local=false "
        "instead of note type=text default='automatic'::text local=false"
    ]
