"""Source and Target: how to reach a database, and what answers there."""

import os
from collections.abc import Iterable
from typing import ClassVar

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, VerticalGroup
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from tswizard.core.db.connection import CONNECT_TIMEOUT
from tswizard.core.db.endpoint import BadEndpoint, Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.questions import QUESTIONS, Question, question
from tswizard.tui.base import WizardScreen, panel
from tswizard.tui.widgets.facts import Facts, Row, label
from tswizard.tui.widgets.fields import TextField
from tswizard.wizard.known_servers import known_servers
from tswizard.wizard.server_facts import server_facts
from tswizard.wizard.state import ConnectedDatabase, ConnectedPair

_OFFERED = (
    "While you type, services of ~/.pg_service.conf and servers of ~/.pgpass are offered in gray: "
    "→ takes what is offered. Passwords are not."
)
_PARTS = (("host", "Host"), ("port", "Port"), ("dbname", "Database"), ("user", "User"))


class ConnectScreen(WizardScreen):
    """One database. The whole conninfo and its parts are two views of the same thing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "test", "Test connection")]

    SECTION: ClassVar[str]
    HINT: ClassVar[str]
    NEXT_NAME: ClassVar[str]

    def __init__(self, given: Endpoint | None) -> None:
        super().__init__()
        self._given = given
        self._reached: ConnectedDatabase | None = None
        self._length = len(given.conninfo) if given else 0

    # What it shows

    def compose_body(self) -> Iterable[Widget]:
        given = self._given
        conninfo = given.conninfo if given else ""
        known = known_servers(os.environ)
        with Container(id="connect"):
            with VerticalGroup(id="fields"):
                yield TextField(
                    _question(self.SECTION, "conninfo").text,
                    conninfo,
                    id="conninfo",
                    hint=self.HINT,
                    known=known.conninfos,
                )
                with Horizontal(id="parts"):
                    for name, title in _PARTS:
                        value = given.get(name) if given else ""
                        hosts = known.hosts if name == "host" else ()
                        yield TextField(title, value, id=name, known=hosts)
                yield TextField(
                    "Password (empty: from ~/.pgpass or the service file)",
                    (given.password or "") if given else "",
                    id="password",
                    password=True,
                )
                yield Facts(id="facts")
            advice = ((label(name), text) for name, text in self._advice())
            yield panel(Facts(*(Row(*row) for row in advice), id="advice"), "What to type")

    def _advice(self) -> Iterable[tuple[str, str]]:
        """Where there is room for it; F1 has it everywhere."""
        yield "Database", _question(self.SECTION, "conninfo").help
        yield "Password", _question(self.SECTION, "password").help
        yield "Known servers", _OFFERED

    @property
    def help_text(self) -> str:
        asked = (f"{q.text}\n{q.help}" for q in QUESTIONS if q.section == self.SECTION)
        return "\n\n".join((*asked, _OFFERED))

    def on_mount(self) -> None:
        self.say("")
        if self._given is not None:
            self._test()

    # Typing

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._forget()
        if event.input.id == "conninfo":
            self._field("conninfo").complain("")
            pasted = len(event.value) - self._length > 1
            self._length = len(event.value)
            if pasted:
                self._hide_password()
            self._fill_parts()
        elif event.input.id != "password":
            self._fill_conninfo()

    def on_descendant_blur(self) -> None:
        self._hide_password()

    def _fill_parts(self) -> None:
        """Show what was understood; a half-typed conninfo leaves the parts alone."""
        try:
            endpoint = Endpoint.parse(self._field("conninfo").value)
        except BadEndpoint:
            return
        self._fill({name: endpoint.get(name) for name, _ in _PARTS})

    def _fill_conninfo(self) -> None:
        """The parts win over what the conninfo says of them; the rest of it stays."""
        parts = {name: self._field(name).value.strip() for name, _ in _PARTS}
        known = _read(self._field("conninfo").value)
        self._fill(
            {"conninfo": make_conninfo("", **{k: v for k, v in (known | parts).items() if v})}
        )

    def _hide_password(self) -> None:
        """A password within the conninfo moves to where it is not shown."""
        known = _read(self._field("conninfo").value)
        password = known.pop("password", "")
        if password:
            self._fill({"conninfo": make_conninfo("", **known), "password": password})

    def _fill(self, values: dict[str, str]) -> None:
        for id, value in values.items():
            field = self._field(id)
            with field.prevent(Input.Changed):
                field.value = value
                field.cursor_position = len(value)
        self._length = len(self._field("conninfo").value)

    def _field(self, id: str) -> TextField:
        return self.query_one(f"#{id}", TextField)

    def _forget(self) -> None:
        """What was tested is not what is there now."""
        if self._reached is not None:
            self._reached = None
            self._show_facts(False)
            self.say("")

    def _show_facts(self, known: bool) -> None:
        """What the server said; where there is little room, instead of what to type."""
        self.query_one("#facts", Facts).display = known
        self.set_class(known, "-connected")

    # Testing

    def action_test(self) -> None:
        self._test()

    def go_on(self) -> None:
        if self._reached is not None:
            self.proceed(self._reached)
        else:
            self._test()

    def proceed(self, database: ConnectedDatabase) -> None:
        """On to the next screen with a database that was reached."""
        raise NotImplementedError

    def objection(self, database: ConnectedDatabase) -> str:
        """One sentence why this end will not do; empty when it does."""
        return ""

    def _endpoint(self) -> Endpoint:
        """What is in the fields. Raises BadEndpoint."""
        conninfo, password = self._field("conninfo").value, self._field("password").value
        given = self._given
        if given and (conninfo, password) == (given.conninfo, given.password or ""):
            return given  # untouched: it knows more than its conninfo says
        return Endpoint.parse(conninfo, password=password or None)

    @work(exclusive=True)
    async def _test(self) -> None:
        self._hide_password()
        self._reached = None
        facts = self.query_one("#facts", Facts)
        self._show_facts(False)
        try:
            endpoint = self._endpoint()
        except BadEndpoint as error:
            self.say(str(error))
            self._field("conninfo").complain("invalid")
            self._field("conninfo").focus()
            return
        self.wait_for(
            f"Connecting to {endpoint.label} (timeout {CONNECT_TIMEOUT} s) …",
            "It has not answered",
            "Ctrl+T tries again, Esc goes back.",
        )
        try:
            server = await self.wizard.engine.read_server(endpoint)
        except CannotConnect as error:
            self.say(str(error))
            self._field("password" if "password" in error.what else "conninfo").focus()
            return
        database = ConnectedDatabase(endpoint, server)
        await facts.show(
            (label(title), Content.styled(text, "$text-warning") if warns else Content(text))
            for title, text, warns in server_facts(database)
        )
        self._show_facts(True)
        if objection := self.objection(database):
            self.say(objection)
            return
        self._reached = database
        self.say(f"Connected. Enter continues to {self.NEXT_NAME}.", "")


class SourceScreen(ConnectScreen):
    STEP: ClassVar[str | None] = "Source"
    SECTION: ClassVar[str] = "source"
    HINT: ClassVar[str] = "postgresql://tsdbadmin@host:port/defaultdb?sslmode=require"
    NEXT_NAME: ClassVar[str] = "Target"

    def proceed(self, database: ConnectedDatabase) -> None:
        self.wizard.show_target(database)


class TargetScreen(ConnectScreen):
    STEP: ClassVar[str | None] = "Target"
    SECTION: ClassVar[str] = "target"
    HINT: ClassVar[str] = "postgresql://tsdbadmin@host:port/tsdb?sslmode=require"
    NEXT_NAME: ClassVar[str] = "Inspect"

    def __init__(self, source: ConnectedDatabase, given: Endpoint | None) -> None:
        super().__init__(given)
        self._source = source

    def objection(self, database: ConnectedDatabase) -> str:
        return ConnectedPair(self._source, database).objection

    def proceed(self, database: ConnectedDatabase) -> None:
        self.wizard.show_inspect(ConnectedPair(self._source, database))


def _question(section: str, key: str) -> Question:
    found = question(section, key)
    assert found is not None
    return found


def _read(text: str) -> dict[str, str]:
    """What a conninfo says by itself, a password included; nothing when it cannot be read."""
    if "=" not in text and "://" not in text:
        return {}
    try:
        return {k: str(v) for k, v in conninfo_to_dict(text).items() if v not in (None, "")}
    except ProgrammingError:
        return {}
