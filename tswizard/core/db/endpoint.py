"""How to reach a database: conninfo, the environment for client tools."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

from psycopg import ProgrammingError, conninfo
from psycopg.pq import Conninfo, ConninfoOption

from tswizard.core.db.session_settings import KEEPALIVES, startup_options

# libpq's own order, weakest first: https://www.postgresql.org/docs/current/libpq-ssl.html
_SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SECRETS = (
    "password",
    "sslpassword",
    "oauth_client_secret",
    "scram_client_key",
    "scram_server_key",
)

# Where servers put their socket: Debian's choice and PostgreSQL's own. Every build of libpq has
# but one of them in mind, so it is named.
_SOCKETS = (Path("/var/run/postgresql"), Path("/tmp"))  # noqa: S108 - looked at, not written to


class BadEndpoint(ValueError):
    """A conninfo nobody can use; the message is one sentence without secrets."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One of the two databases.

    `params` are libpq parameters without any secret. The password, when the user gave one, lives
    in memory only; otherwise libpq finds it in its usual places (passfile, service file).
    """

    params: tuple[tuple[str, str], ...]
    password: str | None = field(default=None, repr=False)
    raised_sslmode: str | None = None
    """The weaker sslmode that was asked for before `require` took its place."""

    @classmethod
    def parse(cls, text: str, *, password: str | None = None) -> "Endpoint":
        """Read a URL, a key=value conninfo or a service's name; libpq fills the gaps.

        Service files and PG* variables are resolved here, by libpq, so that everybody who uses
        this endpoint (this process, its children, a later resume) means the same server.
        Raises BadEndpoint for a text that libpq cannot read, and for a passphrase of a key, which
        client tools could be given in a conninfo only.
        """
        given = _read(text.strip())
        found = _defaults(given.get("service")) | given
        if found.get("sslpassword"):
            raise BadEndpoint(
                "sslpassword is not taken, since it could not be kept from files and argument "
                "lists; use a key file without a passphrase in sslkey."
            )
        secret = password or found.get("password") or None
        params = {name: value for name, value in found.items() if name not in _SECRETS}
        if "service" in params and _defaults(params["service"]) != _defaults(None):
            del params["service"]  # resolved; an unknown one stays, and libpq says so
        if not params.get("host") and not params.get("hostaddr") and "service" not in params:
            params |= _socket(params.get("port", "5432"))
        if params.get("sslrootcert") == "system":
            params.setdefault("sslmode", "verify-full")  # as libpq does; it refuses less
        mode = params.get("sslmode", "prefer")
        if mode not in _SSLMODES:
            raise BadEndpoint(f'sslmode "{mode}" is not one of {", ".join(_SSLMODES)}; correct it.')
        raised = None
        if not _is_local(params) and _SSLMODES.index(mode) < _SSLMODES.index("require"):
            raised, params["sslmode"] = mode, "require"
        return cls(tuple(sorted(params.items())), None, raised).with_password(secret)

    def get(self, name: str, default: str = "") -> str:
        """A libpq parameter, or `default`."""
        return dict(self.params).get(name, default)

    @property
    def conninfo(self) -> str:
        """The key=value conninfo without any secret; for argv, files and screens."""
        return conninfo.make_conninfo("", **dict(self.params))

    @property
    def lasting_conninfo(self) -> str:
        """The same with keepalives, for connections that last; what the user gave wins."""
        given = dict(self.params)
        ours = {name: text for name, text in KEEPALIVES.items() if name not in given}
        return conninfo.make_conninfo("", **given, **ours)

    @property
    def host(self) -> str:
        return self.get("host") or self.get("hostaddr") or "local socket"

    @property
    def label(self) -> str:
        """How screens and logs name this endpoint, e.g. `db.example.com:5432/tsdb`."""
        if self.get("service"):
            return f"service {self.get('service')}"
        return f"{self.host}:{self.get('port', '5432')}/{self.get('dbname') or self.get('user')}"

    @property
    def is_local(self) -> bool:
        return _is_local(dict(self.params))

    def with_password(self, password: str | None) -> "Endpoint":
        """The same endpoint with a password that counts instead of any passfile's."""
        if not password:
            return replace(self, password=None)
        # A passfile that the conninfo names would win over the one that children are given.
        params = tuple(pair for pair in self.params if pair[0] != "passfile")
        return replace(self, params=params, password=password)


def child_environment(env: Mapping[str, str], passfile: str | None) -> dict[str, str]:
    """The environment for a client tool: no secret in it, messages in English.

    `passfile` is the 0600 file that holds the password; None leaves libpq's usual places alone.
    """
    # Service and options are resolved already; a service's own password would win over the
    # passfile.
    dropped = ("PGPASSWORD", "PGOPTIONS", "PGSERVICE", "LC_ALL")
    child = {k: v for k, v in env.items() if k not in dropped}
    child |= {"LC_MESSAGES": "C", "LANGUAGE": "C", "PGAPPNAME": "tswizard"}
    child["PGOPTIONS"] = startup_options()  # of no effect where the conninfo has options of its own
    if passfile is not None:
        child["PGPASSFILE"] = passfile
    return child


def passfile_line(password: str) -> str:
    """A line of libpq's password file that answers for every server.

    https://www.postgresql.org/docs/current/libpq-pgpass.html
    """
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:*:{escaped}\n"


def _read(text: str) -> dict[str, str]:
    if not text:
        raise BadEndpoint("The connection is empty; give a URL, a conninfo or service=NAME.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadEndpoint("The connection is not UTF-8 text; correct it.") from None
    if "\0" in text:
        raise BadEndpoint("The connection has a NUL character in it; correct it.")
    if "://" not in text and "=" not in text:
        text = conninfo.make_conninfo("", service=text)
    try:
        found = conninfo.conninfo_to_dict(text)
    except ProgrammingError:
        # libpq quotes the text in its message, password included: say it ourselves.
        raise BadEndpoint(
            "The connection cannot be read; write postgresql://user@host:port/database "
            "or host=… port=… user=… dbname=…"
        ) from None
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


# Left to libpq in each process: where its files are is not part of where the server is.
_NOT_OURS = ("passfile", "sslkeylogfile", "client_encoding", "application_name", "replication")


def _defaults(service: str | None) -> dict[str, str]:
    """What libpq would fill in: the service's settings first, then PG* variables."""
    saved = os.environ.get("PGSERVICE")
    if service:
        os.environ["PGSERVICE"] = service
    try:
        options = Conninfo.get_defaults()
    finally:
        if service:
            os.environ.pop("PGSERVICE")
            if saved is not None:
                os.environ["PGSERVICE"] = saved
    values = {
        option.keyword.decode(): _decoded(option)
        for option in options
        if option.val and (option.val != option.compiled or option.keyword in (b"port", b"user"))
    }
    for name in (*_NOT_OURS, "service"):
        values.pop(name, None)
    return values


def _decoded(option: ConninfoOption) -> str:
    try:
        return (option.val or b"").decode()
    except UnicodeDecodeError:
        variable = f"{option.envvar.decode()} or " if option.envvar else ""
        raise BadEndpoint(
            f"{variable}{option.keyword.decode()} in the service file is not UTF-8 text; correct "
            "it, or give a password where it is asked for."
        ) from None


def _socket(port: str) -> dict[str, str]:
    """The folder that has a server's socket for this port, as `host`; nothing when none has."""
    for folder in _SOCKETS:
        if (folder / f".s.PGSQL.{port}").exists():
            return {"host": str(folder)}
    return {}


def _is_local(params: Mapping[str, str]) -> bool:
    """Sockets and loopback addresses are local; everything else, known or not, is not."""
    host = params.get("hostaddr") or params.get("host") or ""
    return all(_local_host(part) for part in host.split(","))


def _local_host(host: str) -> bool:
    if host in ("", "localhost", socket.gethostname()) or host.startswith(("/", "@")):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def needs_tls(*endpoints: Endpoint) -> bool:
    """Does one of them ask for an encrypted connection?"""
    return any(e.get("sslmode") in ("require", "verify-ca", "verify-full") for e in endpoints)
