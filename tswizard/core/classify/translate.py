"""PostgreSQL's messages in other languages, back in English, so that the rules know them.

A message is translated where it arises: the words of a tool by the client, the sentence and its
`ERROR:` by the server. So languages mix, even within a line:

    pg_restore: Fehler: COPY failed for table "t": ERREUR:  la relation « t » n'existe pas

Each part is translated by itself, from PostgreSQL's own catalogs (translations.json, which
`python -m scripts.message_translations` writes). TimescaleDB has no translations.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).with_name("translations.json")
_LONGEST = 4000
"""Characters of a line that is compared with sentences; longer ones are rows and statements."""

_TOOL = re.compile(
    r"\s?(?:\S*/)?(?:pg_dumpall|pg_dump|pg_restore|vacuumdb|psql)(?:\.exe)?:"
    r"(?:(?<=psql:)(?! )(?:[A-Za-z]:[\\/])?[^:\n]*:\d+:)? ?"
)
_MODULE = re.compile(r"\[([^\]]{1,60})\] ")
_WORD = re.compile(r"\s*([^:：\n]{1,30}?) ?[:：]( {0,3})")
# What a client says in English before the server's words.
_WRAPPED = re.compile(
    r'(?:could not execute query|query failed|COPY failed for table ".{0,200}?"'
    r"|error returned by PQ\w+|Error message from server): "
)
_PLACEHOLDER = re.compile(r"%(?:(\d+)\$)?[-+0]*\d*(?:ll|l|z|h)?([a-zA-Z])")
_INTEGERS = frozenset("duxX")
_TYPOGRAPHIC = str.maketrans({"\u00a0": " ", "\u202f": " ", "“": '"', "”": '"', "„": '"'})

_SERVER = frozenset(("ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "LOG"))
_CLIENT = frozenset(("error", "fatal", "warning", "detail", "hint"))
_OF_CLIENT = {word.upper(): word for word in _CLIENT}
_FIELDS = frozenset(("DETAIL", "HINT", "QUERY", "CONTEXT", "STATEMENT", "LOCATION"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sentence:
    """One translated sentence, and what it holds at its start, somewhere, and at its end."""

    language: str
    english: str
    translated: str
    start: str
    middle: str
    end: str

    @property
    def length(self) -> int:
        """Characters besides the placeholders: the more, the surer."""
        return len(_PLACEHOLDER.sub("", self.translated))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Catalog:
    """The translations, ready to look up."""

    server: dict[str, tuple[str, str]]
    """`ERREUR` → (`ERROR`, `fr`), and the fields of the server's messages."""
    client: dict[str, tuple[str, str]]
    """`erreur` → (`error`, `fr`)."""
    lines: dict[str, str]
    """`ZEILE %d:` in each language."""
    modules: dict[str, str]
    """What PostgreSQL before 12 puts in brackets."""
    starting: dict[str, list[_Sentence]]
    """Sentences by their first four characters."""
    ending: dict[str, list[_Sentence]]
    """Those that begin with a placeholder, or nearly so, by their last characters, up to four."""
    others: list[_Sentence]
    """Those that begin and end with one."""
    rated: list[_Sentence]
    """Those that begin with a severity which is part of them, as before PostgreSQL 12."""


class Translator:
    """Gives lines their English wording back."""

    def __init__(self) -> None:
        self.languages: Counter[str] = Counter()
        """How many words and sentences of which language were met."""
        self._last = ""

    def line(self, text: str) -> str:
        """The line in English; the very same where nothing is known to be translated."""
        head = _TOOL.match(text)
        rest = text[head.end() :] if head else text
        english = self._message(rest, of_tool=head is not None)
        if english is rest:
            return text
        return f"{head[0]}{english}" if head else english

    def _message(self, text: str, *, of_tool: bool = False, depth: int = 0) -> str:
        """A severity or a field, and what follows it; or a sentence."""
        if depth > 3 or not text or text.isspace():
            return text
        catalog = _catalog()
        if of_tool and (module := _MODULE.match(text)) is not None:
            said = catalog.modules.get(module[1])
            rest = text[module.end() :]
            english = self._message(rest, depth=depth + 1)
            if said is None and english is rest:
                return text
            return f"[{said or 'archiver'}] {english}"
        found = _WORD.match(text)
        if found is not None:
            word = self._severity(found[1], of_tool and len(found[2]) < 2)
            if word is not None:
                if word != found[1] and (whole := self._sentence(text, depth, catalog.rated)):
                    return whole
                rest = text[found.end() :]
                english = self._message(rest, depth=depth + 1)
                if word == found[1]:
                    return text if english is rest else f"{found[0]}{english}"
                return f"{word}: {english}" if word in _CLIENT else f"{word}:  {english}"
        if (found := _line_number().match(text)) is not None:
            place = str(found.lastgroup)[1:]
            self._met(list(catalog.lines.values())[int(place)])
            return f"LINE {found[f'n{place}']}: {text[found.end() :]}"
        if (wrapped := _WRAPPED.match(text)) is not None:
            rest = text[wrapped.end() :]
            english = self._message(rest, depth=depth + 1)
            return text if english is rest else f"{wrapped[0]}{english}"
        return self._sentence(text, depth) or text

    def _severity(self, word: str, of_client: bool) -> str | None:
        """The English word; None when it is no severity and no field."""
        if word in _SERVER or word in _FIELDS or word in _CLIENT:
            return word
        catalog = _catalog()
        first, second = catalog.server, catalog.client
        if of_client:
            first, second = second, first
        found = first.get(word) or second.get(word)
        if found is None:
            return None
        self._met(found[1])
        return _OF_CLIENT.get(found[0], found[0]) if of_client else found[0]

    def _sentence(self, text: str, depth: int, among: Sequence[_Sentence] = ()) -> str:
        """The English sentence; empty when none is known."""
        if len(text) > _LONGEST:
            return ""
        said = text.translate(_TYPOGRAPHIC).strip()
        fitting = list(_fitting(said, among or _candidates(said)))
        if not fitting:
            return ""
        sentence, values = max(
            fitting, key=lambda pair: (pair[0].length, pair[0].language == self._last)
        )
        self._met(sentence.language)
        # The last value of a wrapper is what the server said.
        if values and sentence.english.endswith(": %s"):
            last = max(values)
            values[last] = self._message(values[last], depth=depth + 1)
        indent = text[: len(text) - len(text.lstrip())]
        return indent + _fill(sentence.english, values)

    def _met(self, language: str) -> None:
        self._last = language
        self.languages[language] += 1


def translated_languages() -> tuple[str, ...]:
    """The languages that are known, as PostgreSQL names them: `de`, `pt_BR`."""
    return tuple(json.loads(_DATA.read_text(encoding="utf-8"))["languages"])


def is_severity(word: str) -> bool:
    """Whether a word, in any language, is what the server puts before a message or a part of it."""
    return word in _SERVER or word in _FIELDS or word in _catalog().server


def _candidates(said: str) -> list[_Sentence]:
    catalog = _catalog()
    candidates = [*catalog.starting.get(said[:4], ()), *catalog.others]
    for length in range(1, 5):
        candidates += catalog.ending.get(said[-length:], ())
    return candidates


def _fitting(
    said: str, candidates: Iterable[_Sentence]
) -> Iterator[tuple[_Sentence, dict[int, str]]]:
    for sentence in candidates:
        if (
            sentence.middle in said
            and said.startswith(sentence.start)
            and said.endswith(sentence.end)
        ):
            values = _values(sentence.translated, said)
            if values is not None:
                yield sentence, values


def _values(translated: str, said: str) -> dict[int, str] | None:
    """The values at a sentence's placeholders, by their place in English; None if it is another."""
    pattern, places = _compiled(translated)
    found = pattern.fullmatch(said)
    if found is None:
        return None
    return {place: found[n] for n, place in enumerate(places, 1)}


@cache
def _compiled(translated: str) -> tuple[re.Pattern[str], tuple[int, ...]]:
    parts: list[str] = []
    places: list[int] = []
    at = 0
    for found in _PLACEHOLDER.finditer(translated):
        parts.append(_literal(translated[at : found.start()]))
        parts.append(r"(\d+)" if found[2] in _INTEGERS else "(.*?)")
        places.append(int(found[1]) if found[1] else len(places) + 1)
        at = found.end()
    parts.append(_literal(translated[at:]))
    return re.compile("".join(parts), re.DOTALL), tuple(places)


def _literal(text: str) -> str:
    """French writes a space before a colon; copied logs have it or not."""
    return re.sub(r"(?:\\ )?:", " ?:", re.escape(text))


def _fill(english: str, values: dict[int, str]) -> str:
    count = 0

    def value(_found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return values.get(count, "")

    return _PLACEHOLDER.sub(value, english)


@cache
def _line_number() -> re.Pattern[str]:
    """`LINE 1: ` in any language; the last group is named after the place of its language."""
    return re.compile(
        "|".join(
            f"(?P<l{n}>{re.escape(text).replace('%d', f'(?P<n{n}>[0-9]+)')} ?)"
            for n, text in enumerate(_catalog().lines)
            if "%d" in text
        )
    )


@cache
def _catalog() -> _Catalog:
    raw: dict[str, Any] = json.loads(_DATA.read_text(encoding="utf-8"))
    catalog = _Catalog(
        server={}, client={}, lines={}, modules={}, starting={}, ending={}, others=[], rated=[]
    )
    for english, by_language in raw["messages"].items():
        for language, texts in by_language.items():
            for translated in texts:
                _enter(catalog, language, english, translated)
    return catalog


def _enter(catalog: _Catalog, language: str, plain: str, translated: str) -> None:
    english = plain.removesuffix("%s").strip()
    said = translated.translate(_TYPOGRAPHIC).strip()
    word = said.removesuffix("%s").strip().rstrip(":：").strip()
    if english.rstrip(":") in _SERVER | _FIELDS:
        catalog.server.setdefault(word, (english.rstrip(":"), language))
    elif english.rstrip(":") in _CLIENT:
        catalog.client.setdefault(word, (english.rstrip(":"), language))
    elif english == "LINE %d:":
        catalog.lines.setdefault(said, language)
    elif english.endswith(("archiver", "archiver (db)", "compress_io", "sorter")):
        catalog.modules.setdefault(word, english)
    else:
        if plain == "could not execute query" or plain.endswith(": "):
            plain, said = (f"{text.rstrip(': ')}: %s" for text in (plain, said))
        # Not beyond a colon, before which there may be a space or none.
        start = said.partition("%")[0].partition(":")[0].rstrip()
        end = _literals(said)[-1].rpartition(":")[2]
        middle = max((re.split(r" ?:", part)[0] for part in _literals(said)), key=len)
        sentence = _Sentence(
            language=language,
            english=plain.strip(),
            translated=said,
            start=start,
            middle=middle,
            end=end,
        )
        if plain.startswith(("WARNING: ", "NOTICE: ")):
            catalog.rated.append(sentence)
        elif len(start) >= 4:
            catalog.starting.setdefault(start[:4], []).append(sentence)
        elif end:
            catalog.ending.setdefault(end[-4:], []).append(sentence)
        elif len(middle) > 2:
            catalog.others.append(sentence)


def _literals(translated: str) -> list[str]:
    """What is between the placeholders."""
    return _PLACEHOLDER.sub("\0", translated).split("\0")
