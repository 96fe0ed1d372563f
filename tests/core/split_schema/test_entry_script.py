"""The SQL of a dump's entries, and which of them are sent together."""

from dataclasses import replace

import pytest

from tests.support import sample_inventory as sample
from tswizard.core.catalog.inventory import Inventory, TableKind
from tswizard.core.dump.entry_script import split_entry_script
from tswizard.core.dump.send_entries import ENTRIES_AT_ONCE
from tswizard.core.dump.toc import POST, DumpEntry, Toc, in_order_of_restore
from tswizard.core.split.schema.quick_entries import (
    BYTES,
    CHUNKS,
    quick_lots,
)

_SCRIPT = """--
-- PostgreSQL database dump
--

\\restrict abc

-- Dumped from database version 15.18

SET statement_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_table_access_method = heap;

--
-- TOC entry 20 (class 1259 OID 16400)
-- Name: a; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.a (
    x integer
);


SET default_table_access_method = columnar;

--
-- TOC entry 21 (class 1259 OID 16403)
-- Name: b; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.b (
    x integer
);


--
-- TOC entry 22 (class 1255 OID 16406)
-- Dependencies: 20
-- Name: f(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.f() RETURNS text
    LANGUAGE sql
    AS $$ SELECT 'a;\r
--
'::text; BODY $$;


-- Completed on 2026-11-24 20:00:00 UTC

--
-- PostgreSQL database dump complete
--

\\unrestrict abc

"""


def _entry(id: int, catalog: int, oid: int, kind: str, rest: str, *depends: int) -> DumpEntry:
    return DumpEntry(
        id=id,
        catalog=catalog,
        oid=oid,
        kind=kind,
        rest=rest,
        section=POST,
        depends_on=frozenset(depends),
    )


_A = _entry(20, 1259, 16400, "TABLE", "public a owner")
_B = _entry(21, 1259, 16403, "TABLE", "public b owner")
_F = _entry(22, 1255, 16406, "FUNCTION", "public f() owner", 20)


def test_each_entry_has_its_own_statements() -> None:
    script = split_entry_script(_SCRIPT, [_A, _B, _F])
    assert script.settings == (
        "SET LOCAL search_path = ''",
        "SET LOCAL standard_conforming_strings = on",
        "SET LOCAL check_function_bodies = false",
        "SET LOCAL xmloption = content",
        "SET LOCAL client_min_messages = warning",
        "SET LOCAL row_security = off",
    )
    assert list(script.texts) == [20, 21, 22]
    assert "CREATE TABLE public.a" in script.texts[20]
    assert "public.b" not in script.texts[20]
    assert "'a;\r\n--\n'::text" in script.texts[22]
    assert "restrict" not in "".join(script.texts.values())


def test_the_access_method_is_that_of_the_last_setting_before_an_entry() -> None:
    """An entry whose setting stands in the one before it may be sent without that."""
    script = split_entry_script(_SCRIPT, [_A, _B, _F])
    methods = [
        text.partition("\n")[0].removeprefix("SET LOCAL default_table_access_method = ")
        for text in script.texts.values()
    ]
    assert methods == ["heap;", "columnar;", "columnar;"]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(
            _SCRIPT.replace("BODY", "\n-- TOC entry 22 (class 1255 OID 16406)\n"), id="fake header"
        ),
        pytest.param(_SCRIPT.replace("entry 21", "entry 23"), id="another entry"),
        pytest.param(_SCRIPT.replace("'UTF8'", "'LATIN1'"), id="another encoding"),
        pytest.param(_SCRIPT[: _SCRIPT.index("--\n-- TOC entry 22")], id="an entry is missing"),
        pytest.param("", id="nothing"),
    ],
)
def test_nothing_is_sent_where_it_is_not_certain_what_it_is(script: str) -> None:
    assert split_entry_script(script, [_A, _B, _F]).texts == {}


def _inventory(rows_bytes: int, chunks: int = 0) -> Inventory:
    base = sample.inventory()
    plain = next(t for t in base.tables if t.kind is TableKind.PLAIN)
    hyper = next(h for h in base.hypertables if h.cagg is None)
    return replace(
        base,
        tables=(replace(plain, schema="public", name="a", bytes=rows_bytes),),
        hypertables=(
            replace(hyper, schema="public", name="b", bytes=1, chunks=hyper.chunks[:1] * chunks),
        ),
    )


def _ids(entries: list[DumpEntry], inventory: Inventory) -> list[list[int]]:
    toc = Toc((_A, _B, *entries))
    return [[e.id for e in lot] for lot in quick_lots(toc, entries, inventory)]


_KEY = _entry(30, 2606, 1, "CONSTRAINT", "public a a_pkey owner", 20)
_INDEX = _entry(31, 1259, 2, "INDEX", "public a_x owner", 20)
_REFERS = _entry(32, 2606, 3, "FK CONSTRAINT", "public b b_fkey owner", 20, 21, 30)
_TRIGGER = _entry(33, 2620, 4, "TRIGGER", "public a t owner", 20)
_COMMENT = _entry(34, 0, 0, "COMMENT", "public CONSTRAINT b_fkey ON b owner", 32)


def test_what_reads_many_rows_is_left_to_pg_restore_with_what_depends_on_it() -> None:
    entries = [_KEY, _INDEX, _REFERS, _TRIGGER, _COMMENT]
    assert _ids(entries, _inventory(1000)) == [[30, 31, 32, 33, 34]]
    assert _ids(entries, _inventory(BYTES + 1)) == [[33]]
    unknown = replace(_INDEX, depends_on=frozenset({99}))
    assert _ids([_KEY, unknown, _TRIGGER], _inventory(BYTES + 1)) == [[33]]


def test_a_single_long_one_takes_no_longer_here() -> None:
    assert _ids([_KEY, _TRIGGER], _inventory(BYTES + 1)) == [[30], [33]]
    of_chunks = replace(_INDEX, depends_on=frozenset({21}))
    assert _ids([of_chunks, _TRIGGER], _inventory(1, CHUNKS + 1)) == [[31], [33]]


def test_a_lot_has_a_limited_number_of_locks() -> None:
    triggers = [replace(_TRIGGER, id=100 + n) for n in range(2 * ENTRIES_AT_ONCE + 1)]
    assert [len(lot) for lot in _ids(triggers, _inventory(1))] == [
        ENTRIES_AT_ONCE,
        ENTRIES_AT_ONCE,
        1,
    ]
    indexes = [replace(_INDEX, id=100 + n, depends_on=frozenset({21})) for n in range(3)]
    assert _ids(indexes, _inventory(1, CHUNKS // 2)) == [[100, 101], [102]]


def test_grants_come_behind_everything_and_event_triggers_last() -> None:
    entries = [
        _entry(40, 3466, 1, "EVENT TRIGGER", "- e owner"),
        _entry(41, 0, 0, "ACL", "public TABLE a owner", 20),
        _entry(42, 0, 0, "COMMENT", "- EVENT TRIGGER e owner", 40),
        _entry(43, 826, 5, "DEFAULT ACL", "public DEFAULT PRIVILEGES FOR TABLES owner"),
        _TRIGGER,
    ]
    assert [e.id for e in in_order_of_restore(entries)] == [33, 41, 43, 40, 42]
