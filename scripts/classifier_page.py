"""docs/classifier.md, generated from the rules: `python -m scripts.classifier_page` writes it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tswizard.core.classify.rules import Proof, Rule, default_rules
from tswizard.core.classify.translate import translated_languages
from tswizard.core.model.verdict import Verdict

PAGE = Path(__file__).parents[1] / "docs" / "classifier.md"

_HEAD = """\
# The classifier: what each message means

`pg_dump` and `pg_restore` print harmless warnings and errors next to others that mean lost rows,
in the same wording. The classifier reads every line of a run and gives each message one of four
verdicts:

| verdict | meaning |
|---|---|
| `safe` | Nothing is missing: a rule matches, and where that can be checked, the check holds. |
| `later` | A later step of the migration creates it. |
| `look` | It could not be shown to be harmless. So is every message that no rule matches. |
| `lost` | Something did not arrive, or is not in the dump. It is named. |

A run with a `lost` message, or with one that still needs a look, never ends in PASS.

## How a verdict comes about

1. Lines become messages: prefix, TOC entry, primary message, `DETAIL`, `HINT`, `CONTEXT` and the
   command that failed, as PostgreSQL 9.6 to 18 print them. With `-j` the workers write into one
   stream, sometimes into one line; what cannot be separated reliably is never harmless.
2. A rule matches by tool, method (full or split), phase, severity, kind of TOC entry, message and
   command. A matching `lost` rule always wins; otherwise the first match does, in the order of
   this page.
3. A `safe` or `later` verdict that names a proof needs it. If the check fails, the message needs a
   look, and says what was found. If it cannot be made (a log alone, no connection), the message
   needs a look too, unless the rule says otherwise below.
4. Lost rows of a chunk, compressed or not, are reported with the name of their hypertable or
   continuous aggregate, from the source's catalog.

`errors ignored on restore: N`, pg_restore's last line, is a check of its own: it is `safe` only if
exactly the errors in the log were counted and each of them is explained. With `-j` pg_restore
counts an entry that failed in a worker once more than it had errors, and does not count errors that
a worker gets while connecting; with `--verbose` that can be checked exactly, without it mostly not
at all. A log with errors and without this line is truncated.

What failed is what the command says, not the entry alone that it is part of: a refused `DROP` of
`--clean`, a refused `ALTER TABLE … DISABLE TRIGGER` or `TRUNCATE` leaves nothing missing. A refused
`COPY` or `INSERT` loses rows, wherever the log names it: in the command, in `STATEMENT` as
`psql --echo-errors` prints it, or in a line of `CONTEXT`.

## Logs as they come

`tswizard classify LOG` judges a log by itself. Specify `--method` and `--phase` if you know them:
verdicts that hold in one context only are not given without them. Before that it undoes what was
done to the log on its way:

| what | which |
|---|---|
| encodings | UTF-8; UTF-16 with and without a byte order mark (PowerShell 5), also appended to \
another log; code pages of Windows and Unix (1250, 1251, 1252, 1254, 850, 852, 866, 932, 936, 949, \
950, ISO 8859, KOI8-R, EUC), told apart line by line by the words of PostgreSQL's messages; UTF-8 \
that was taken for a code page and written again |
| line ends | `\\n`, `\\r\\n`, `\\r`; colors and zero bytes are dropped |
| frames | timestamps; docker compose; kubectl; container runtimes; syslog and journald; GitHub \
Actions; docker build; Terraform; Heroku; pgcopydb; loggers of Python, Java and Go; \
exceptions of drivers; JSON (Docker, pino, zap, journald, Google Cloud, jsonlog) and \
`msg="…"`; PowerShell; log_line_prefix of a \
server. Any other prefix is learned from the first line that has something of PostgreSQL's behind \
it |
| languages | those that PostgreSQL is translated to: LANGUAGES. Words and sentences are \
translated one by one, since a client and a server may speak different ones |
| tools | pg_dump, pg_dumpall, pg_restore, psql, vacuumdb, pgcopydb, timescaledb-parallel-copy; \
the server's own log |

Output of several containers or processes in one log is kept apart. At the end it says how many
lines were recognized. A log that is empty, or of which less than half was recognized, needs a look
by itself: that no line is judged means nothing there.

The translations are PostgreSQL's own, under the PostgreSQL License
(`tswizard/core/classify/translations.json`, written by `python -m scripts.message_translations`).

## Rules

Words set as code stand for names in the message. "MST guide" is Timescale's
"Migrate from Managed Service for TimescaleDB to Timescale Cloud", #n an issue of
[timescale/timescaledb](https://github.com/timescale/timescaledb/issues).
"""

_TITLES = {
    Verdict.SAFE: "Safe",
    Verdict.LATER: "Later",
    Verdict.LOST: "Lost",
    Verdict.LOOK: "Needs a look",
}


def render() -> str:
    """The whole page."""
    rules = default_rules()
    lines = [_HEAD.replace("LANGUAGES", ", ".join(translated_languages()))]
    for verdict, title in _TITLES.items():
        lines += [f"### {title}", ""]
        for rule in rules.rules:
            if rule.verdict is verdict:
                lines += _rule(rule, rules.proofs.get(rule.proof))
    lines += ["## Proofs", "", "| proof | checked on | claim |", "|---|---|---|"]
    lines += [
        f"| `{proof.name}` | {_WHO[proof.on]} | {_cell(proof.claim)} |"
        for proof in rules.proofs.values()
    ]
    return "\n".join([*lines, ""])


_WHO = {"source": "the source", "target": "the target", "both": "source and target"}


def _rule(rule: Rule, proof: Proof | None) -> Iterator[str]:
    yield f"#### {rule.id}"
    yield ""
    yield _prose(rule.reason)
    yield ""
    yield f"- Message ({_some(rule.tool)}; {', '.join(rule.severity)}): `{rule.pattern}`"
    for part in ("detail", "context", "command"):
        if text := getattr(rule, part):
            yield f"- With {part}: `{text}`"
    context = [
        _some(rule.method, "method"),
        _some(rule.phase, "phase"),
        ", ".join(rule.kinds),
    ]
    if any(context):
        yield f"- Only in: {'; '.join(part for part in context if part)}"
    if proof is not None:
        yield f"- Proof: `{proof.name}`: {_prose(proof.claim)}"
        if rule.unproven is rule.verdict:
            yield "- Also counts without its proof, where that cannot be checked"
    if rule.todo:
        yield f"- To do: {_prose(rule.todo)}"
    yield f"- Source: {rule.source}"
    yield ""


def _some(values: Iterable[str], word: str = "") -> str:
    named = [value for value in values if value != "any"]
    if not named:
        return "" if word else "any tool"
    return f"{word} {' or '.join(named)}".strip()


def _prose(text: str) -> str:
    """A rule's text with its names in braces set as code."""
    return re.sub(r"\{(\w+)(?::ident)?\}", r"`\1`", text)


def _cell(text: str) -> str:
    return _prose(text).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
