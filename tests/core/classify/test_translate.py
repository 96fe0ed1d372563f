"""PostgreSQL's messages in other languages come back in English."""

import json
import re

import pytest

from tswizard.core.classify import translate
from tswizard.core.classify.translate import Translator, is_severity, translated_languages

_MESSAGES = json.loads(translate._DATA.read_text(encoding="utf-8"))["messages"]


@pytest.mark.parametrize(
    ("line", "english"),
    [
        (
            "pg_restore: Fehler: COPY fehlgeschlagen für Tabelle »t«: "
            "ERREUR:  la relation « t » n'existe pas",
            'pg_restore: error: COPY failed for table "t": ERROR:  relation "t" does not exist',
        ),
        (
            'pg_restore: error: could not execute query: 错误:  关系 "a.b" 不存在',
            'pg_restore: error: could not execute query: ERROR:  relation "a.b" does not exist',
        ),
        ("CONTEXTE : COPY t, ligne 7", "CONTEXT:  COPY t, line 7"),
        ("ZEILE 12: COPY t", "LINE 12: COPY t"),
        ("Die Anweisung war: DROP TABLE t;", "Command was: DROP TABLE t;"),
        (
            "psql:C:/Alte Daten/x.sql:12: FEHLER:  Rolle »a« existiert nicht",
            'psql:C:/Alte Daten/x.sql:12: ERROR:  role "a" does not exist',
        ),
        (
            "pg_restore: [Archivierer (DB)] Fehler in Phase PROCESSING TOC:",
            "pg_restore: [archiver (db)] Error while PROCESSING TOC:",
        ),
        # A space more or less, as logs are copied.
        (
            "ERREUR:  la relation «\u00a0t\u00a0» n'existe pas",
            'ERROR:  relation "t" does not exist',
        ),
    ],
)
def test_a_line(line: str, english: str) -> None:
    assert Translator().line(line) == english


@pytest.mark.parametrize(
    "line",
    [
        "",
        "COPY 14",
        "    column_1 integer NOT NULL,",
        'pg_restore: creating TABLE "public.t"',
        "pg_restore: error: could not execute query: ERROR:  something new",
        "DETAIL:  Key (id)=(5) already exists.",
    ],
)
def test_english_stays_as_it_is(line: str) -> None:
    translator = Translator()
    assert translator.line(line) is line
    assert not translator.languages


@pytest.mark.parametrize("language", translated_languages())
def test_every_sentence_of_a_language_comes_back(language: str) -> None:
    """As its English, but where two English messages have one translation."""
    total = same = 0
    for english, by_language in _MESSAGES.items():
        if english.startswith(("WARNING: ", "NOTICE: ")) or "%" not in english:
            continue
        for translated in by_language.get(language, ()):
            if english.removesuffix("%s").rstrip(": ").isupper():
                continue
            total += 1
            translator = Translator()
            translator._last = language
            same += translator.line(_filled(translated)) == _filled(english).rstrip()
    assert same >= 0.9 * total


def _filled(text: str) -> str:
    """The text with a value at each placeholder, which says its place."""
    count = 0

    def value(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        place = int(found[1]) if found[1] else count
        return str(70 + place) if found[2] in "duxX" else f"v{place}"

    return translate._PLACEHOLDER.sub(value, text)


def test_the_words_of_an_error_are_known_in_every_language_of_the_server() -> None:
    for language in ("de", "fr", "it", "ja", "ko", "pl", "pt_BR", "ru", "sv", "tr", "uk", "zh_CN"):
        for word in ("ERROR", "DETAIL:  ", "CONTEXT:  ", "STATEMENT:  "):
            said = _MESSAGES[word].get(language, [word])
            assert all(is_severity(one.strip().rstrip(":").strip()) for one in said), language


def test_the_license_of_the_translations_goes_with_them() -> None:
    text = translate._DATA.read_text(encoding="utf-8")
    assert "PostgreSQL Global Development Group" in text
    assert "REGENTS" in text.upper()
