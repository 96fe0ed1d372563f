"""Foreign keys that reference a hypertable: added after the restore, since during it they fail.

In restore mode a hypertable shows none of the rows in its chunks, so checking such a key says
that every row it points to is missing (measured on 2.17.2, 2.19.3, 2.23.1 and 2.28.3).
"""

from dataclasses import dataclass

from psycopg import Error, sql

from tswizard.core.db.connection import connected, rows, value
from tswizard.core.db.errors import is_refusal, message_of
from tswizard.core.model.events import Unit
from tswizard.core.model.finding import Finding, Level
from tswizard.core.run.context import Context, StepSkipped

# Keys on single chunks have a parent and come with it.
_KEYS = """
SELECT con.oid::bigint, con.conname, n.nspname, c.relname,
       pg_catalog.pg_get_constraintdef(con.oid),
       pg_catalog.obj_description(con.oid, 'pg_constraint'), rn.nspname, r.relname
FROM pg_catalog.pg_constraint con
JOIN pg_catalog.pg_class c ON c.oid = con.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = con.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE con.contype = 'f' AND con.conparentid = 0
ORDER BY n.nspname, c.relname, con.conname
"""

_EXISTS = """
SELECT true FROM pg_catalog.pg_constraint con
JOIN pg_catalog.pg_class c ON c.oid = con.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE con.conname = %s AND n.nspname = %s AND c.relname = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """One such key, as the source has it."""

    oid: int
    name: str
    schema: str
    table: str
    definition: str
    comment: str | None

    @property
    def label(self) -> str:
        return f"{self.name} of {self.schema}.{self.table}"


async def keys_to_hypertables(ctx: Context) -> tuple[ForeignKey, ...]:
    """Every foreign key of the source that references a hypertable."""
    inventory = ctx.task.inventory
    hypertables = {(h.schema, h.name) for h in inventory.hypertables if not h.cagg}
    async with connected(ctx.task.source) as source:
        found = await rows(source, _KEYS)
    return tuple(
        ForeignKey(
            oid=oid,
            name=name,
            schema=schema,
            table=table,
            definition=definition,
            comment=comment,
        )
        for oid, name, schema, table, definition, comment, *referenced in found
        if tuple(referenced) in hypertables
    )


async def add_foreign_keys(ctx: Context) -> None:
    """Add them on the target; what is there already stays. A refused one is named."""
    keys = await keys_to_hypertables(ctx)
    if not keys:
        raise StepSkipped("no foreign key references a hypertable")
    async with connected(ctx.task.target) as target:
        for done, key in enumerate(keys):
            await ctx.unpaused()
            ctx.progress(done, len(keys), Unit.ITEMS, key.label)
            if await value(target, _EXISTS, (key.name, key.schema, key.table)):
                continue
            table = sql.Identifier(key.schema, key.table)
            try:
                async with target.transaction():
                    await target.execute(
                        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                            table,
                            sql.Identifier(key.name),
                            sql.SQL(key.definition),  # the server's own text
                        )
                    )
                    if key.comment is not None:
                        await target.execute(
                            sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
                                sql.Identifier(key.name), table, sql.Literal(key.comment)
                            )
                        )
            except Error as error:
                if not is_refusal(error):
                    raise
                ctx.found(
                    Finding(
                        Level.FAIL,
                        "foreign-key",
                        f"The foreign key {key.label} could not be added: {message_of(error)}",
                        where=ctx.task.target.label,
                        why=error.diag.message_detail or "",
                        todo=f'ALTER TABLE "{key.schema}"."{key.table}" ADD CONSTRAINT '
                        f'"{key.name}" {key.definition};',
                    )
                )
    ctx.progress(len(keys), len(keys), Unit.ITEMS)
