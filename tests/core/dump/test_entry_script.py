"""The SQL of a dump's entries, entry by entry."""

import pytest

from tests.support.toc import TABLE_A, TABLE_B, entry
from tswizard.core.dump.entry_script import split_entry_script

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


_F = entry(22, 1255, 16406, "FUNCTION", "public f() owner", 20)


def test_each_entry_has_its_own_statements() -> None:
    script = split_entry_script(_SCRIPT, [TABLE_A, TABLE_B, _F])
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


def test_the_access_method_is_that_of_the_last_setting_before_anentry() -> None:
    """An entry whose setting stands in the one before it may be sent without that."""
    script = split_entry_script(_SCRIPT, [TABLE_A, TABLE_B, _F])
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
    assert split_entry_script(script, [TABLE_A, TABLE_B, _F]).texts == {}
