"""Lines of JSON, of key=value pairs and of csvlog, which loggers write around text.

Docker's json-file (`log`), pino (`msg`), zap (`msg`, `error`), logrus (`msg="…"`), GCP
(`textPayload`), journald (`MESSAGE`), and PostgreSQL's jsonlog and Azure (`properties`), which have
a message's parts apart.
"""

import csv
import json
import re
from dataclasses import dataclass
from typing import Any

_TEXTS = ("log", "msg", "message", "MESSAGE", "textPayload", "@message", "text", "body", "line")
_OUTPUTS = ("stderr", "stdout", "output", "error", "err")
_LEVELS = (
    "level",
    "severity",
    "levelname",
    "lvl",
    "loglevel",
    "log.level",
    "PRIORITY",
    "error_severity",
)
_STREAMS = ("stream", "container", "_PID", "pod", "service", "SYSLOG_IDENTIFIER", "container_name")
_BAD_NAMES = frozenset(
    ("error", "err", "fatal", "critical", "crit", "panic", "alert", "emergency", "severe")
)
# pino: 50 error, 60 fatal. syslog, journald: 3 error and below.
_BAD_PINO, _BAD_SYSLOG = 50, 3
_LOGFMT = re.compile(r'(?:^|\s)(?:msg|message)="((?:[^"\\]|\\.)*)"')
_LOGFMT_LEVEL = re.compile(r"(?:^|\s)(?:level|lvl|severity)=\"?(\w+)")
_LOGFMT_ERROR = re.compile(r'(?:^|\s)(?:err|error|stderr|output)="((?:[^"\\]|\\.)*)"')
# '%t-%c-' before a severity.
_LINE_PREFIX = re.compile(r"^[^A-Za-z\n].{0,80}?-(?=[A-Z]{3,9}\d?:  )")
_TAG = re.compile(r".{0,200}=> (?=\{)")
_PARTS = (
    ("detail", "DETAIL"),
    ("hint", "HINT"),
    ("context", "CONTEXT"),
    ("statement", "STATEMENT"),
)


_CSVLOG = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [A-Z+\d:-]+,\"?")
# Columns of csvlog, as the server's documentation lists them.
_CSVLOG_FIELDS = 20
_CSVLOG_PLACES = {
    "session_id": 5,
    "error_severity": 11,
    "state_code": 12,
    "message": 13,
    "detail": 14,
    "hint": 15,
    "context": 18,
    "query": 19,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """The text of one line of JSON; it may have several lines."""

    text: str
    stream: str = ""
    bad: bool = False
    """Its logger rated it an error."""
    partial: bool = False
    """The runtime has cut a long line here; the next one of the stream continues it."""


def unwrap(line: str) -> list[Unwrapped] | None:
    """What a line holds; None when it is no JSON and no key=value pairs of a logger."""
    if line.startswith("{") and line.endswith("}"):
        return _of_object(_loads(line))
    if line.endswith("}") and (tag := _TAG.match(line)) is not None:
        return _of_object(_loads(line[tag.end() :]))
    if line.lstrip().startswith('"') and line.rstrip().endswith(('"', '",')):
        said = _loads(line.strip().removesuffix(","))
        return [Unwrapped(text=said)] if isinstance(said, str) else None
    if "msg=" in line or "message=" in line:
        return _of_logfmt(line)
    return None


def is_csvlog(line: str) -> bool:
    """Whether a record of PostgreSQL's csvlog begins here."""
    return _CSVLOG.match(line) is not None


def of_csvlog(record: str) -> Unwrapped | None:
    """One record, with the line ends that are in it; None when it is no whole record."""
    try:
        fields = next(csv.reader([record], strict=True), [])
    except csv.Error:
        return None
    if len(fields) < _CSVLOG_FIELDS:
        return None
    return _of_jsonlog({name: fields[place] for name, place in _CSVLOG_PLACES.items()})


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_object(entry: Any) -> list[Unwrapped] | None:
    if not isinstance(entry, dict):
        return None
    if isinstance(record := entry.get("record"), dict):
        # CloudNativePG: what the server wrote to its csvlog.
        entry = {"session_id": "", **record}
    if "error_severity" in entry and isinstance(entry.get("message"), str):
        return [_of_jsonlog(entry)]
    if isinstance(record := entry.get("properties"), dict) and "sqlerrcode" in record:
        # Azure: message with its log_line_prefix, and the parts besides.
        return [_of_parts(record, str(record.get("processId", "")))]
    inner = entry.get("jsonPayload") or entry.get("attributes") or entry.get("properties")
    if isinstance(inner, dict):
        entry = {**entry, **inner}
    stream = next((str(entry[key]) for key in _STREAMS if entry.get(key)), "")
    bad = _is_bad(next((entry[key] for key in _LEVELS if key in entry), ""))
    texts = [text for key in _TEXTS if (text := _string(entry.get(key)))][:1]
    texts += [text for key in _OUTPUTS if (text := _string(entry.get(key))) and text not in texts]
    if not texts:
        return None
    partial = isinstance(entry.get("log"), str) and not entry["log"].endswith(("\n", "\r"))
    partial = partial and set(entry) <= {"log", "stream", "time", "attrs"} and "time" in entry
    found = [Unwrapped(text=texts[0], stream=stream, bad=bad, partial=partial)]
    return found + [Unwrapped(text=text, stream=stream, bad=bad) for text in texts[1:]]


def _of_jsonlog(entry: dict[str, Any]) -> Unwrapped:
    """PostgreSQL's jsonlog, since 15; pgcopydb writes the same keys."""
    message = entry["message"]
    if (
        "sql_state_code" in entry
        or "state_code" in entry
        or "backend_type" in entry
        or "session_id" in entry
    ):
        lines = [f"{entry['error_severity']}:  {message}"]
        lines += [f"{name}:  {entry[key]}" for key, name in _PARTS if entry.get(key)]
        return Unwrapped(text="\n".join(lines), stream="server")
    bad = _is_bad(entry["error_severity"])
    return Unwrapped(text=message, stream=str(entry.get("pid", "")), bad=bad)


def _of_parts(entry: dict[str, Any], stream: str) -> Unwrapped:
    """A message of the server that begins with its severity, and what belongs to it."""
    lines = [_LINE_PREFIX.sub("", _string(entry.get("message")))]
    lines += [f"{name}:  {entry[key]}" for key, name in _PARTS if entry.get(key)]
    return Unwrapped(text="\n".join(lines), stream=stream)


def _of_logfmt(line: str) -> list[Unwrapped] | None:
    found = _LOGFMT.search(line)
    if found is None:
        return None
    level = _LOGFMT_LEVEL.search(line)
    error = _LOGFMT_ERROR.search(line)
    texts = [_loads(f'"{match[1]}"') for match in (found, error) if match is not None]
    bad = level is not None and _is_bad(level[1])
    return [Unwrapped(text=text, bad=bad) for text in texts if isinstance(text, str) and text]


def _string(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    if (
        isinstance(value, list)
        and value
        and all(type(one) is int and 0 <= one < 256 for one in value)
    ):
        # journald writes what is no plain text as bytes.
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return _string(value.get("message"))
    return value if isinstance(value, str) else ""


def _is_bad(level: Any) -> bool:
    text = str(level).lower()
    if text.isdecimal():
        number = int(text[:9])
        return number >= _BAD_PINO or (number <= _BAD_SYSLOG and isinstance(level, str))
    return text in _BAD_NAMES
