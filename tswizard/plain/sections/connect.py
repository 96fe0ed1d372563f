"""Source and Target: how to reach a database, and what answers there."""

from psycopg.conninfo import make_conninfo

from tswizard.core.db.connection import CONNECT_TIMEOUT
from tswizard.core.db.endpoint import BadEndpoint, Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.plain.prompts import Back
from tswizard.plain.session import Session, declared
from tswizard.wizard.server_facts import server_facts
from tswizard.wizard.state import ConnectedDatabase, ConnectedPair

_PARTS = "parts"
_EXAMPLES = {
    "source": "postgresql://tsdbadmin@host:port/defaultdb?sslmode=require",
    "target": "postgresql://tsdbadmin@host:port/tsdb?sslmode=require",
}


async def source(session: Session, *, from_end: bool) -> None:
    """Raises Back, Leave."""
    known = session.known
    database = await _reached(session, "source", known.source_endpoint, from_end=from_end)
    if known.source is None or database.endpoint != known.source.endpoint:
        known.inspected = None
    known.source, known.source_endpoint = database, database.endpoint


async def target(session: Session, *, from_end: bool) -> None:
    """Raises Back, Leave."""
    known = session.known
    assert known.source is not None
    given = known.target_endpoint
    while True:
        database = await _reached(session, "target", given, from_end=from_end)
        objection = ConnectedPair(known.source, database).objection
        if not objection:
            break
        session.voice.say(objection)
        given, from_end = database.endpoint, False
    if known.target is None or database.endpoint != known.target.endpoint:
        known.inspected = None
    known.target, known.target_endpoint = database, database.endpoint


async def _reached(
    session: Session, section: str, given: Endpoint | None, *, from_end: bool
) -> ConnectedDatabase:
    """Ask until a database answers. `from_end` begins with the password."""
    endpoint, at_password = given, from_end and given is not None
    while True:
        if endpoint is None or not at_password:
            endpoint, asks_password = await _conninfo(session, section, endpoint)
        else:
            asks_password = True
        reached = endpoint
        try:
            if asks_password:
                reached = await _password(session, section, endpoint)
        except Back as back:
            if back.to:
                raise
            at_password = False
            continue
        try:
            return await _test(session, reached)
        except CannotConnect as error:
            session.voice.say(f"FAIL: {error}")
            at_password = "password" in error.what


async def _conninfo(
    session: Session, section: str, given: Endpoint | None
) -> tuple[Endpoint, bool]:
    """The endpoint, and whether its password is still to be asked for."""
    asked = declared(section, "conninfo")
    session.ask.asked.append(asked.name)
    help = (
        f"{asked.help} Written for example as {_EXAMPLES[section]}. {_PARTS.capitalize()} asks for "
        "host, port, database and user one by one."
    )
    while True:
        default = given.conninfo if given else ""
        text = await session.ask.line(
            f"{asked.text} (a URL, a service's name, or {_PARTS})", help=help, default=default
        )
        if given is not None and text == default:
            return given, True  # it knows more than its conninfo says
        if text.lower() == _PARTS:
            text = await _ask_parts(session, given)
        try:
            endpoint = Endpoint.parse(text)
        except BadEndpoint as error:
            session.voice.say(str(error) if text else "Nothing was typed. ? explains what to type.")
            continue
        if endpoint.password and endpoint.password in text:
            session.voice.say("The password in it is kept in memory only, but it was shown here.")
            return endpoint, False
        return endpoint, True


async def _ask_parts(session: Session, given: Endpoint | None) -> str:
    """A conninfo from its parts. Back leads to the part before."""
    parts = (("host", "Host"), ("port", "Port"), ("dbname", "Database"), ("user", "User"))
    values = {name: given.get(name) if given else "" for name, _ in parts}
    at = 0
    while at < len(parts):
        name, title = parts[at]
        try:
            values[name] = await session.ask.line(title, default=values[name])
        except Back as back:
            if back.to or at == 0:
                raise
            at -= 1
        else:
            at += 1
    return make_conninfo("", **{name: value for name, value in values.items() if value})


async def _password(session: Session, section: str, endpoint: Endpoint) -> Endpoint:
    asked = declared(section, "password")
    session.ask.asked.append(asked.name)
    empty = "empty keeps the one that is set" if endpoint.password else "empty: ~/.pgpass"
    typed = await session.ask.secret(f"{asked.text} ({empty})", help=asked.help)
    return endpoint.with_password(typed) if typed else endpoint


async def _test(session: Session, endpoint: Endpoint) -> ConnectedDatabase:
    """Raises CannotConnect, Quit."""
    session.voice.say(f"Connecting to {endpoint.label}, for at most {CONNECT_TIMEOUT} s …")
    server = await session.interrupts.until_done(session.engine.read_server(endpoint))
    database = ConnectedDatabase(endpoint, server)
    session.voice.say("Connected.")
    for title, text, warns in server_facts(database):
        word = "LOOK: " if warns else ""
        session.voice.say(f"{word}{title}: {text}" if title else f"{word}{text}", indent=2)
    return database
