"""What an error of a server means: is it transient, is the connection lost, what to tell a person.

SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re
from dataclasses import dataclass

from psycopg import Error, InterfaceError, OperationalError
from psycopg.errors import DiskFull, ReadOnlySqlTransaction

from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.ignored_passfile import ignored_passfile
from tswizard.core.db.redact import redact


class CannotConnect(Exception):
    """No connection: one sentence of what, and what to do. Holds no secret."""

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what} {todo}")
        self.what = what
        self.todo = todo


class ServerError(Exception):
    """A server's error that a client tool printed; like psycopg.Error. Holds no secret."""

    def __init__(self, sqlstate: str | None, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message


_LOST_STATES = (
    "08",
    "57P",  # shutdown, crash, not yet up, database dropped, idle session
    "25P03",  # idle in transaction for too long, which ends the session
    "25P04",  # a transaction that took too long, which ends it as well
)
_TRANSIENT_STATES = (
    *_LOST_STATES,
    "40001",  # serialization failure
    "40P01",  # deadlock
    "53300",  # too many connections
)
# What libpq says of itself, with no SQLSTATE: no connection, or none anymore.
_LOST_SENTENCES = re.compile(
    "server closed the connection"
    "|connection to server was lost"
    "|the connection is (?:lost|closed)"
    "|Connection refused"
    "|Connection reset"
    "|Network is unreachable"
    "|No route to host"
    "|Temporary failure in name resolution"
    "|could not connect"
    "|could not receive data"
    "|could not send data"
    "|starting up"
    "|shutting down"
    "|not yet accepting connections"
    "|not accepting connections"
    "|in recovery mode"
    "|too many clients"
    "|remaining connection slots"
    "|timeout expired"
    "|timed out"
    "|SSL SYSCALL"
    "|SSL connection has been closed"
    "|terminating connection"
)


def is_connection_lost(error: BaseException) -> bool:
    """Is there no connection, or none anymore? psycopg calls a lost connection an
    OperationalError, but a full disk and a lock timeout as well."""
    match error:
        case CannotConnect() | InterfaceError():
            return True
        case ServerError(sqlstate=None):
            return bool(_LOST_SENTENCES.search(error.message))
        case Error(sqlstate=None):
            return isinstance(error, OperationalError)
        case Error() if error.diag.severity_nonlocalized == "ERROR":
            # Said of another server, a foreign one say: what ends this session is FATAL or PANIC.
            return False
        case Error() | ServerError():
            return (error.sqlstate or "").startswith(_LOST_STATES)
    return False


def is_transient(error: BaseException) -> bool:
    """May the same work succeed when it is tried again?"""
    if isinstance(error, Error | ServerError) and error.sqlstate:
        if error.sqlstate.startswith(_LOST_STATES):
            return is_connection_lost(error)
        return error.sqlstate.startswith(_TRANSIENT_STATES)
    return is_connection_lost(error)


def is_refusal(error: Error) -> bool:
    """Did the server refuse this one statement, and can the connection be used further?"""
    return error.sqlstate is not None and not is_connection_lost(error)


def refuses_writes(error: Error) -> bool:
    """Does the server take no writes at all now?"""
    return isinstance(error, DiskFull | ReadOnlySqlTransaction)


def message_of(error: BaseException) -> str:
    """What it says, on one line and without a full stop."""
    if isinstance(error, CannotConnect):
        text = error.what
    else:
        text = (error.diag.message_primary if isinstance(error, Error) else None) or str(error)
    return " ".join(text.split()).rstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An error as a person is told it."""

    id: str
    what: str
    """One sentence."""
    why: str
    """The server's own details and hint, if it gave any."""
    todo: str
    """Without what to try again then: whoever carries the work out knows."""
    server: str = ""
    """Label of the endpoint, where it is known and `what` does not have it."""

    @property
    def sentence(self) -> str:
        """`what`, led by the server."""
        return f"{self.server}: {self.what}" if self.server else self.what


_LOST = (
    "connection-lost",
    "The connection was lost: {}.",
    "See whether the server is up and can be reached from here.",
)
_REFUSED = (
    "server-error",
    "The server refused a statement: {}.",
    "Fix the problem above.",
)
# No word of a run here: who knows of one says that it can be resumed.
SERVER_ERRORS = {
    "53100": (
        "disk-full",
        "The server's disk is full: {}.",
        "Free or add disk space there.",
    ),
    "53200": (
        "out-of-memory",
        "The server is out of memory: {}.",
        "Lower jobs, or give the server more memory.",
    ),
    "53300": (
        "too-many-connections",
        "The server has no free connection: {}.",
        "Close other sessions or raise max_connections.",
    ),
    "53400": (
        "limit-exceeded",
        "A limit in the server's configuration was exceeded: {}.",
        "Raise that limit for this role or database.",
    ),
    "55P03": (
        "lock-timeout",
        "A lock was not granted in time: {}.",
        "See in pg_locks and pg_stat_activity which session holds it.",
    ),
    "57014": (
        "query-canceled",
        "The server canceled a statement: {}.",
        "See who canceled it or which timeout did.",
    ),
    "40P01": (
        "deadlock",
        "The server ended a statement to resolve a deadlock: {}.",
        "See which other session works on the same tables.",
    ),
    "40001": (
        "serialization-failure",
        "Another session changed the same rows: {}.",
        "See which other session works on the same tables.",
    ),
    "25006": (
        "read-only",
        "The server takes no changes: {}.",
        "See why it is read-only (a standby? no disk space?).",
    ),
    "42501": (
        "permission-denied",
        "The role lacks a privilege: {}.",
        "Grant it, or connect as a role that has it.",
    ),
    "57P01": (
        "connection-lost",
        "The server is shutting down, or somebody ended the session: {}.",
        "See whether the server is up.",
    ),
}


def explain_error(error: CannotConnect | Error | ServerError) -> Explanation:
    """What to tell a person about an error that ends the work."""
    if isinstance(error, CannotConnect):
        return Explanation(id="no-connection", what=error.what, why="", todo=error.todo)
    usual = _LOST if is_connection_lost(error) else _REFUSED
    id, what, todo = SERVER_ERRORS.get(error.sqlstate or "", usual)
    why = ""
    if isinstance(error, Error):
        why = " ".join(filter(None, (error.diag.message_detail, error.diag.message_hint)))
    server = error.__dict__.get(_SERVER, "")
    return Explanation(
        id=id, what=what.format(message_of(error)), why=why, todo=todo, server=server
    )


_SERVER = "tswizard_server"


def name_server(error: Error, label: str) -> None:
    """Have the error say which server raised it: its own words never do."""
    error.__dict__[_SERVER] = label


_NOT_SUPPLIED = r"no password supplied"
CONNECTION_ERRORS = (
    (
        r"unsupported startup parameter",
        "{label} is a connection pool, not the server itself.",
        "Give the service's own host and port; a dump cannot be taken through a pool.",
    ),
    (
        r"no pg_hba\.conf entry",
        "{label} has no pg_hba.conf entry for {user} from this host: {message}.",
        "Check the service's IP allow-list, the user, the database and sslmode.",
    ),
    (
        _NOT_SUPPLIED,
        "{label} requires a password for {user}, and none was found.",
        "Give it, or put it into ~/.pgpass.",
    ),
    (
        r"password authentication failed|SASL|SCRAM",
        "{label} rejected the password for {user}.",
        "Give the right one, or put it into ~/.pgpass.",
    ),
    (
        r"could not translate host name|Name or service not known|nodename nor servname|"
        r"failed to resolve host|'idna' codec",
        "The host of {label} cannot be resolved.",
        "Check its name, and that this machine resolves it.",
    ),
    (
        r"Connection refused",
        "Connection refused by {label}.",
        "Check host and port, and that the service is running.",
    ),
    (
        r"timeout expired|timed out|No route to host|Network is unreachable",
        "{label} does not answer.",
        "Check host, port, firewall and the service's IP allow-list.",
    ),
    (
        r'database ".*" does not exist',
        "{label}: there is no such database on that server.",
        "On MST it is called defaultdb, on Timescale Cloud tsdb.",
    ),
    (r'role ".*" does not exist', "{label}: there is no role {user}.", "Check the user's name."),
    (
        r"SSL|TLS|certificate",
        "{label}: no encrypted connection: {message}.",
        "Check sslmode and the certificate files.",
    ),
    (
        r"too many (connections|clients)|remaining connection slots",
        "{label} has no free connection.",
        "Close other sessions or raise max_connections, then try again.",
    ),
    (r"definition of service", "{message}.", "Check ~/.pg_service.conf or PGSERVICEFILE."),
    (
        r"server closed the connection|Connection reset|starting up|shutting down",
        "{label} closed the connection: {message}.",
        "See whether the service is restarting, then try again.",
    ),
)
# What psycopg and libpq put before the server's own words.
_LEAD = re.compile(
    r"^(?:- host: .*?, port: .*?, hostaddr: .*?: (?=connection )|connection is bad: "
    r"|connection failed: |connection to server (?:at|on) .*? failed: |FATAL: +|ERROR: +)"
)
_SEVERAL = "Multiple connection attempts failed. All failures were:"


def explain_connect(error: Error | ValueError, endpoint: Endpoint) -> CannotConnect:
    """Why there is no connection to this endpoint."""
    said = redact(str(error), [endpoint])
    text = " ".join(said.split())
    message = _own_words(said) or text
    facts = {"label": endpoint.label, "user": endpoint.get("user"), "message": message}
    for pattern, what, todo in CONNECTION_ERRORS:
        if re.search(pattern, text):
            ignored = ignored_passfile(endpoint) if pattern == _NOT_SUPPLIED else None
            if ignored is not None:
                todo = (
                    f"libpq ignores {ignored}, since others may read it; run chmod 600 {ignored}."
                )
            return CannotConnect(what.format(**facts), todo)
    return CannotConnect(f"{endpoint.label}: {message}.", "Check the connection's parts.")


def _own_words(said: str) -> str:
    """What was answered, without what comes before it, on one line and without a full stop. A
    server that was asked with TLS and without, or at several addresses, says the same again."""
    found: dict[str, None] = {}
    for line in said.splitlines():
        message = " ".join(line.split())
        while lead := _LEAD.match(message):
            message = message[lead.end() :]
        if message and message != _SEVERAL:
            found[message] = None
    return " ".join(found).rstrip(".")
