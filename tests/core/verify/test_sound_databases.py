"""What a dump and a restore change without changing anything is no difference."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from tests.support.native import databases
from tswizard.core.db.connection import Connection, connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.verify.database_reader import open_reader
from tswizard.core.verify.schema import column_details
from tswizard.core.verify.schema.column_details import with_columns
from tswizard.core.verify.schema.compare import Difference, compare_schemas
from tswizard.core.verify.schema.read import read_schema

pytestmark = pytest.mark.native


@dataclass(frozen=True)
class Ends:
    """Two databases, one filled by hand as the source, one as a restore would fill the target."""

    source: Endpoint
    target: Endpoint
    here: Connection
    there: Connection

    async def fill(self, source: Sequence[str], target: Sequence[str]) -> None:
        for connection, statements in ((self.here, source), (self.there, target)):
            for statement in statements:
                await connection.execute(statement.encode())

    async def differences(self) -> tuple[Difference, ...]:
        async with (
            open_reader("source", self.source) as source,
            open_reader("target", self.target) as target,
        ):
            ours, theirs = await source.run(read_schema), await target.run(read_schema)
            found = compare_schemas(ours, theirs).differences
            found = await with_columns((source, ours.catalogs), (target, theirs.catalogs), found)
            # No restore made these chunks.
            return tuple(d for d in found if d.key.kind != "chunk")


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    async with AsyncExitStack() as stack:
        source, target = await stack.enter_async_context(databases())
        here, there = [await stack.enter_async_context(connected(end)) for end in (source, target)]
        yield Ends(source, target, here, there)


_PARENT = (
    "CREATE TABLE public.par (id int, d int, PRIMARY KEY (id, d)) PARTITION BY RANGE (d)",
    "CREATE TABLE public.chi (id int, d int)",
)
_PARTITIONS = tuple(
    f"CREATE TABLE public.par_{n} PARTITION OF public.par FOR VALUES FROM ({n}) TO ({n + 1})"
    for n in range(3)
)
_KEY = (
    "ALTER TABLE public.chi ADD CONSTRAINT chi_fk FOREIGN KEY (id, d) REFERENCES public.par (id, d)"
)


async def test_a_foreign_key_to_a_partitioned_table_whatever_the_order_of_its_partitions(
    ends: Ends,
) -> None:
    await ends.fill(
        (*_PARENT, *_PARTITIONS[1:], _KEY, _PARTITIONS[0]), (*_PARENT, *_PARTITIONS, _KEY)
    )
    assert await ends.differences() == ()
    await ends.there.execute("ALTER TABLE public.chi DROP CONSTRAINT chi_fk")
    assert [(d.key.kind, d.key.name, d.state) for d in await ends.differences()] == [
        ("foreign-key", "public.chi.chi_fk", "missing")
    ]


async def test_a_column_list_of_a_publication_behind_a_dropped_column(ends: Ends) -> None:
    table = "CREATE TABLE public.p ({}a int, b int)"
    publication = "CREATE PUBLICATION news FOR TABLE public.p (b)"
    await ends.fill(
        (table.format("gone int, "), "ALTER TABLE public.p DROP COLUMN gone", publication),
        (table.format(""), publication),
    )
    assert await ends.differences() == ()
    await ends.there.execute("ALTER PUBLICATION news SET TABLE public.p (a, b)")
    assert [d.key.kind for d in await ends.differences()] == ["publication"]


_HYPERTABLE = (
    "CREATE TABLE public.ht (t timestamptz NOT NULL, kind varchar(10), v int, "
    "ok boolean GENERATED ALWAYS AS ({}) STORED)",
    "SELECT public.create_hypertable('public.ht', 't')",
    "INSERT INTO public.ht (t, kind) SELECT '2024-01-01'::timestamptz + g * interval '7 days', 'a' "
    "FROM generate_series(0, 4) g",
)


async def test_a_list_of_varchars_in_the_columns_of_chunks(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(column_details, "_MANY", 2)
    monkeypatch.setattr(column_details, "_AT_ONCE", 3)
    written = "kind IN ('a', 'b')"
    await ends.fill([s.format(written) for s in _HYPERTABLE], ())
    printed = await _printed(ends.here)
    await ends.fill((), [s.format(printed) for s in _HYPERTABLE])
    assert printed != await _printed(ends.there)
    assert await ends.differences() == ()
    await ends.there.execute(
        "ALTER TABLE public.ht ALTER v SET DEFAULT 7, ALTER v SET STATISTICS 9"
    )
    inside = [d for d in await ends.differences() if d.part]
    assert len(inside) == 5
    told = [d.words for d in inside if "default=7" in d.words]
    assert len(told) == 2
    assert not any("kind" in words for words in told)


async def _printed(connection: Connection) -> str:
    """The expression as pg_dump writes it."""
    found = await connection.execute(
        "SELECT pg_catalog.pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef "
        "WHERE adrelid = 'public.ht'::regclass"
    )
    row = await found.fetchone()
    assert row is not None
    return str(row[0])
