"""Servers that libpq's own files know, to be offered while an address is typed. No password is
kept, and none is looked at longer than it takes to leave it out."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

_SECTION = re.compile(r"^\[(.+)\]\s*$")
_FIELD = re.compile(r"((?:\\.|[^:\\])*)(?::|$)")
_PLAIN = re.compile(r"[\w.-]+$")
_ANY = "*"


@dataclass(frozen=True, slots=True)
class KnownServers:
    """`conninfos` are services and URLs, as they can be typed; `hosts` are names alone."""

    conninfos: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


def known_servers(environment: Mapping[str, str]) -> KnownServers:
    """From the service file (PGSERVICEFILE, or ~/.pg_service.conf) and the password file
    (PGPASSFILE, or ~/.pgpass). What cannot be read offers nothing.

    https://www.postgresql.org/docs/current/libpq-pgservice.html and libpq-pgpass.html
    """
    home = Path(environment.get("HOME") or "~").expanduser()
    services = _lines(environment.get("PGSERVICEFILE") or home / ".pg_service.conf")
    passwords = _lines(environment.get("PGPASSFILE") or home / ".pgpass")
    names = [found[1] for line in services if (found := _SECTION.match(line))]
    entries = list(_entries(passwords))
    urls = [
        _address(host, port, database, user)
        for host, port, database, user in entries
        if _ANY not in (host, port, database, user)
    ]
    hosts = [host for host, *_ in entries if host != _ANY]
    return KnownServers(
        tuple(dict.fromkeys([f"service={name}" for name in names] + urls)),
        tuple(dict.fromkeys(hosts)),
    )


def _address(host: str, port: str, database: str, user: str) -> str:
    """A URL, or key=value pairs where one would have to be quoted for it."""
    if all(_PLAIN.match(part) for part in (host, port, database, user)):
        return f"postgresql://{user}@{host}:{port}/{database}"
    return make_conninfo("", host=host, port=port, dbname=database, user=user)


def _lines(path: str | os.PathLike[str]) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _entries(lines: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """host, port, database, user of each line; a colon within one is written `\\:`."""
    for line in lines:
        if line.startswith("#"):
            continue
        fields = [re.sub(r"\\(.)", r"\1", field) for field in _FIELD.findall(line)[:4]]
        if len(fields) == 4 and all(fields):
            host, port, database, user = fields
            yield host, port, database, user
