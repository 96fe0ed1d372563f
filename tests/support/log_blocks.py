"""Log blocks with names of their own, for logs made up by hypothesis."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

LOOP = "pg_restore: entering main parallel loop\n"


@dataclass(frozen=True)
class Block:
    """One message of a log: its lines, and the line that makes it what it is."""

    lines: tuple[str, ...]
    head: int
    """Index of the line with the error itself."""
    bad: bool
    """Nothing may ever make this harmless."""

    @property
    def head_line(self) -> str:
        return self.lines[self.head]

    @property
    def text(self) -> str:
        return "".join(self.lines)


def _failed(number: int, toc: str, error: str, command: str, *, bad: bool) -> Block:
    return Block(
        (
            f"pg_restore: from TOC entry {number}; 0 0 {toc} postgres\n",
            f"pg_restore: error: could not execute query: ERROR:  {error}\n",
            *(f"{line}\n" for line in f"Command was: {command}".split("\n")),
            "\n",
            "\n",
        ),
        1,
        bad,
    )


def ext_comment(n: int) -> Block:
    return _failed(
        n,
        f"COMMENT EXTENSION ext{n}x",
        f"must be owner of extension ext{n}x",
        f"COMMENT ON EXTENSION ext{n}x IS 'what\n\nit does';",
        bad=False,
    )


def ext_drop(n: int) -> Block:
    """The sentence of a harmless message about something that is not."""
    return _failed(
        n,
        f"EXTENSION ext{n}x",
        f"must be owner of extension ext{n}x",
        f"ALTER EXTENSION ext{n}x SET SCHEMA other;",
        bad=True,
    )


def index_exists(n: int) -> Block:
    return _failed(
        n,
        f"INDEX rel{n}x",
        f'relation "rel{n}x" already exists',
        f"CREATE INDEX rel{n}x ON public.t USING btree (i);",
        bad=False,
    )


def table_exists(n: int) -> Block:
    return _failed(
        n,
        f"TABLE rel{n}x",
        f'relation "rel{n}x" already exists',
        f"CREATE TABLE public.rel{n}x (\n    i integer\n);",
        bad=True,
    )


def trigger_exists(n: int) -> Block:
    return _failed(
        n,
        f"TRIGGER rel{n}x ts_insert_blocker",
        f'trigger "ts_insert_blocker" for relation "rel{n}x" already exists',
        f"CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.rel{n}x FOR EACH ROW EXECUTE "
        "FUNCTION _timescaledb_functions.insert_blocker();",
        bad=False,
    )


def constraint_lost(n: int) -> Block:
    return _failed(
        n,
        f"CONSTRAINT rel{n}x rel{n}x_pkey",
        f"ONLY option not supported on hypertable operations (rel{n}x)",
        f"ALTER TABLE ONLY public.rel{n}x\n    ADD CONSTRAINT rel{n}x_pkey PRIMARY KEY (i);",
        bad=True,
    )


def role_missing(n: int) -> Block:
    return _failed(
        n,
        f"ACL TABLE rel{n}x",
        f'role "role{n}x" does not exist',
        f"GRANT SELECT ON TABLE public.rel{n}x TO role{n}x;",
        bad=True,
    )


def copy_failed(n: int) -> Block:
    return Block(
        (
            f"pg_restore: from TOC entry {n}; 0 0 TABLE DATA rel{n}x postgres\n",
            f'pg_restore: error: COPY failed for table "rel{n}x": ERROR:  function 0x1 returned '
            "NULL\n",
            f'CONTEXT:  COPY rel{n}x, line 1, column c: "Bg=="\n',
        ),
        1,
        bad=True,
    )


def unknown_error(n: int) -> Block:
    return _failed(
        n,
        f"VIEW rel{n}x",
        f"no rule knows rel{n}x",
        f"CREATE VIEW public.rel{n}x AS\n SELECT 1;",
        bad=True,
    )


def unknown_warning(n: int) -> Block:
    return Block((f"pg_restore: WARNING:  nobody knows rel{n}x\n",), 0, bad=True)


def foreign_words(n: int) -> Block:
    return Block((f"bash: line {n}: pg_restore: Segmentation fault\n",), 0, bad=True)


def at_work(n: int) -> Block:
    return Block((f'pg_restore: creating TABLE "public.failed_error_{n}x"\n',), 0, bad=False)


def launching(n: int) -> Block:
    return Block((f"pg_restore: launching item {n} INDEX rel{n}x\n",), 0, bad=False)


KINDS: tuple[Callable[[int], Block], ...] = (
    ext_comment,
    ext_drop,
    index_exists,
    table_exists,
    trigger_exists,
    constraint_lost,
    role_missing,
    copy_failed,
    unknown_error,
    unknown_warning,
    foreign_words,
    at_work,
    launching,
)


@st.composite
def logs(draw: st.DrawFn, *, least: int = 1, most: int = 8) -> list[Block]:
    """Blocks in any order; each has a number, and so names, of its own."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=least, max_size=most))
    return [kind(number) for number, kind in enumerate(kinds, 101)]
