"""Collects PostgreSQL's own translations of the messages that the classifier knows.

    python -m scripts.message_translations FOLDER…

writes `tswizard/core/classify/translations.json`. A FOLDER holds `LANGUAGE/LC_MESSAGES/DOMAIN*.mo`
as an installation of PostgreSQL with its translations does (`/usr/share/locale` on Debian), or as
msgfmt makes them from the `po` folders of PostgreSQL's sources. The first folder that has a
translation wins; the others add what it lacks: older wordings and further languages. Taken are

- the words before a message (`ERROR:  `, `warning: `, `DETAIL:  `, `LINE 1: `),
- the sentences that a rule matches, or that the parser goes by,
- what pg_dump and pg_restore say with --verbose, so that a log is seen to be understood.
"""

import gettext
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tswizard.core.classify.forms import is_progress
from tswizard.core.classify.rules import default_rules

OUTPUT = Path(__file__).parents[1] / "tswizard/core/classify/translations.json"
DOMAINS = ("postgres", "pg_dump", "psql", "libpq", "pgscripts")
LICENSE = (
    "The translations are part of PostgreSQL: Portions Copyright (c) 1996-2025, PostgreSQL Global "
    "Development Group; Portions Copyright (c) 1994, The Regents of the University of California. "
    "Permission to use, copy, modify, and distribute this software and its documentation for any "
    "purpose, without fee, and without a written agreement is hereby granted, provided that the "
    "above copyright notice and this paragraph and the following two paragraphs appear in all "
    "copies. IN NO EVENT SHALL THE UNIVERSITY OF CALIFORNIA BE LIABLE TO ANY PARTY FOR DIRECT, "
    "INDIRECT, SPECIAL, INCIDENTAL, OR CONSEQUENTIAL DAMAGES, INCLUDING LOST PROFITS, ARISING OUT "
    "OF THE USE OF THIS SOFTWARE AND ITS DOCUMENTATION, EVEN IF THE UNIVERSITY OF CALIFORNIA HAS "
    "BEEN ADVISED OF THE POSSIBILITY OF SUCH DAMAGE. THE UNIVERSITY OF CALIFORNIA SPECIFICALLY "
    "DISCLAIMS ANY WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF "
    "MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE. THE SOFTWARE PROVIDED HEREUNDER IS ON "
    'AN "AS IS" BASIS, AND THE UNIVERSITY OF CALIFORNIA HAS NO OBLIGATIONS TO PROVIDE MAINTENANCE, '
    "SUPPORT, UPDATES, ENHANCEMENTS, OR MODIFICATIONS."
)

_SERVER = ("ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "LOG")
_CLIENT = ("error: ", "fatal: ", "warning: ", "detail: ", "hint: ")
_FIELDS = re.compile(
    r"(?:DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION):  (?:%s(?:, %s:%s)?)?|LINE %d: "
)
# Wordings that the parser goes by, besides rules and progress.
_FRAMES = re.compile(
    r"(?:Error )?while (?:INITIALIZING|PROCESSING TOC|FINALIZING):|(?:Error )?from TOC entry "
    r"|could not execute query|query failed|COPY failed for table|COPY %s, line"
    r"|(?:WARNING: )?errors ignored on restore"
    r"|error returned by PQ|Dumping the contents|Error message from server"
    r"|(?:The c|the c|C|c)ommand was"
    r"|(?:query|Query) was|(?:NOTICE: )?there are circular foreign-key"
    r"|You might not be able to restore"
    r"|Consider using a full dump|could not resolve dependency loop"
    r"|(?:custom |directory |tar |parallel )?archiver\b|compress_io$|sorter$"
)
# What no rule asks for, but users meet.
_ALSO = re.compile(
    r'duplicate key value violates|null value in column|new row for relation "%s" violates check'
    r"|cannot drop .* because other objects depend|current transaction is aborted"
    r"|(?:I|i)nvalid command "
    r'|syntax error at or near|database "%s" is being accessed|current user cannot be dropped'
    r"|extra data after last|missing data for column|invalid input syntax for|invalid byte sequence"
    r'|could not extend file|out of memory$|value too long|role "%s" already exists'
    r'|database "%s" (?:already|does not)|there is no parameter|pg_dump failed on database'
)
# Said by the server, but not to who restores.
_SELDOM = re.compile(
    r", skipping$|OID %u|operator (?:class|family)|text search|adminpack"
    r"|must be superuser (?:or|to)"
    r"|event trigger|statistics collector|Ident server|publisher|primary server"
    r"|permission denied to (?:(?!create|set|analyze|vacuum|COPY).)*$"
    r"|permission denied for (?:aggregate|collation|conversion|domain|event|index|operator|policy)"
    r"|must be owner of (?:aggregate|collation|conversion|domain|event|operator|tablespace)"
    r"|could not (?:open|read) file|WAL|replication|collation for encoding"
    r"|^(?:LDAP|recovery target|portal|cursor|savepoint|window|prepared|unnamed|tablesample)\b"
    r"|^(?:token type|mapping for token|tsvector|root certificate|data directory|directory)\b"
    r"|^(?:template database|default (?:ACL|conversion)|parameter ACL|configuration column)\b"
    r"|^(?:source|destination) encoding|^(?:conversion|transform|access method|group)\b"
    r"|(?:database %u|user|local user with ID %d) does not exist$"
    r"|^publication (?:relation|schema)"
)
# Names that make a sentence one that a rule knows.
_NAMES = (
    "x",
    "restrict",
    "public",
    "transaction_timeout",
    "pg_authid",
    "bgw_job",
    "timescaledb.restoring",
)
_NUMBER = re.compile(r"%(?:\d+\$)?[-+0]*\d*(?:l|ll|z|h)?[du]|%08X|%0\dx")
_VALUE = re.compile(r"%(?:\d+\$)?-?\d*(?:l|ll|z|h)?[a-zA-Z]")


def main(folders: Iterable[Path]) -> None:
    """Read the folders and write the file."""
    taken: dict[str, dict[str, list[str]]] = {}
    matters: dict[tuple[str, str], bool] = {}
    for folder in folders:
        for language, domain, english, translated in _read(folder):
            key = domain, english
            if key not in matters:
                matters[key] = _matters(english, domain)
            if not matters[key] or translated == english:
                continue
            known = taken.setdefault(english, {}).setdefault(language, [])
            if translated not in known:
                known.append(translated)
    languages = sorted({language for texts in taken.values() for language in texts})
    text = json.dumps(
        {
            "license": LICENSE,
            "languages": languages,
            "messages": {english: taken[english] for english in sorted(taken)},
        },
        ensure_ascii=False,
        separators=(",", ":"),
        indent=0,
    )
    OUTPUT.write_text(f"{text}\n", encoding="utf-8")
    print(f"{len(taken)} messages in {len(languages)} languages, {OUTPUT.stat().st_size} bytes")


def _read(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Language, domain, English and translated text, without their line ends."""
    for path in sorted(folder.glob("*/LC_MESSAGES/*.mo")):
        domain = re.split(r"[\d.-]", path.stem)[0]
        if domain not in DOMAINS:
            continue
        with path.open("rb") as stream:
            catalog = gettext.GNUTranslations(stream)._catalog  # type: ignore[attr-defined]
        for key, translated in catalog.items():
            english = key[0] if isinstance(key, tuple) else key
            if english and translated:
                for one, other in _lines(english, translated):
                    yield path.parts[-3], domain, one, other


def _lines(english: str, translated: str) -> Iterator[tuple[str, str]]:
    """Message by message: logs are read line by line."""
    pairs = english.rstrip("\n").split("\n"), translated.rstrip("\n").split("\n")
    if len(pairs[0]) == len(pairs[1]):
        for one, other in zip(*pairs, strict=True):
            # `could not execute query: ERROR: …`, a line end, `Command was: …`.
            if all(text.startswith("%s: %s") for text in (one, other)):
                one, other = (text.removeprefix("%s: %s").strip() for text in (one, other))
            yield one, other


def _matters(english: str, domain: str) -> bool:
    if english in _SERVER:
        return domain == "postgres"
    if english in _CLIENT or _FIELDS.fullmatch(english):
        return True
    if _FRAMES.match(english) or _ALSO.match(english):
        return True
    if _SELDOM.search(english) or len(_VALUE.sub("", english).strip()) < 8:
        return False
    numbered = _NUMBER.sub("1", english)
    if domain == "pg_dump" and is_progress(_VALUE.sub("x", numbered)):
        return True
    return any(_matches(_VALUE.sub(name, numbered)) for name in _NAMES)


def _matches(said: str) -> bool:
    return any(
        re.search(rule.pattern, said)
        for rule in default_rules().rules
        if rule.pattern != "^" and not rule.of_any_text
    )


if __name__ == "__main__":
    main(Path(argument) for argument in sys.argv[1:])
