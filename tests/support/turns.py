"""Round trips of the PostgreSQL protocol, counted where a connection passes by.

A turn begins when a client asks for something and the server has sent anything since it last did:
what it sends before the answer comes (a pipeline) costs no time of its own. So the turns of one
connection are the round trips that it waits for, whatever else runs on the machine.
https://www.postgresql.org/docs/current/protocol-flow.html
"""

import math
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

_ASKS = b"QScfpH"
"""Query, Sync, CopyDone, CopyFail, a password or SASL's answer, Flush."""


@dataclass(slots=True)
class Turn:
    """One round trip."""

    at: float
    """Seconds since the epoch."""
    port: int
    connection: int
    text: str
    """What was asked, as far as it can be read."""
    answered: float = math.inf
    """When the client had the first of the answer."""


def in_a_row(turns: Iterable[Turn]) -> int:
    """How many of them were waited for one after the other, whichever connections they were on: as
    many as can be chosen of which each began after the one before it was answered.

    It is what remains of a far migration however many connections it has. It means something only
    where a turn takes much longer than what is done between two of them.
    """
    number, free = 0, -math.inf
    for turn in sorted(turns, key=lambda t: t.answered):
        if turn.at >= free and turn.answered < math.inf:
            number, free = number + 1, turn.answered
    return number


@dataclass(slots=True)
class _Stream:
    """Messages of one direction; of long ones only the beginning is kept."""

    begun: bool
    """The first message has no letter in front of it."""
    buffer: bytes = b""
    skip: int = 0

    def messages(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """The messages that are complete, or whose kind and beginning are known."""
        found: list[tuple[bytes, bytes]] = []
        self.buffer += block
        while True:
            if self.skip:
                dropped = min(self.skip, len(self.buffer))
                self.buffer = self.buffer[dropped:]
                self.skip -= dropped
                if self.skip:
                    return found
            head = 5 if self.begun else 4
            if len(self.buffer) < head:
                return found
            kind = self.buffer[:1] if self.begun else b""
            (length,) = struct.unpack("!I", self.buffer[head - 4 : head])
            body = length - 4
            if len(self.buffer) < head + min(body, 4096) and kind != b"d":
                return found
            found.append((kind, self.buffer[head : head + min(body, 4096)]))
            self.buffer = self.buffer[head:]
            self.skip = body


@dataclass(slots=True)
class Turns:
    """All that passed by. `watch` one connection, give it each block as it is read."""

    found: list[Turn] = field(default_factory=list)
    connections: int = 0

    def watch(self, port: int) -> "Watch":
        """The next connection."""
        self.connections += 1
        return Watch(self, port, self.connections)


class Watch:
    """One connection."""

    def __init__(self, turns: Turns, port: int, number: int) -> None:
        self._turns = turns
        self._port = port
        self._number = number
        self._sent = _Stream(begun=False)
        self._received = _Stream(begun=True)
        self._answered = True
        """The server has sent something since the last turn began."""
        self._open: Turn | None = None
        """The last turn."""
        self._handshake = False
        self._copying = False
        self._parsed = ""
        """The last statement of the extended protocol."""

    def sent(self, block: bytes) -> None:
        """The client has sent this."""
        for kind, body in self._sent.messages(block):
            if not kind:
                self._first(body)
            elif kind in _ASKS or (kind == b"d" and self._copying):
                self._copying = False
                if kind == b"d":
                    self._turn("COPY data")
                elif kind in b"cf" and not self._answered:
                    continue  # the end of what was counted with its first row
                else:
                    self._turn(self._parsed if kind == b"S" else _text(kind, body))
            elif kind == b"P":
                self._parsed = _text(kind, body)

    def _first(self, body: bytes) -> None:
        (code,) = struct.unpack("!I", body[:4])
        if code >> 16 == 1234:  # a request for TLS or GSSAPI, or a cancel request
            self._handshake = code & 0xFFFF in (5679, 5680)
            self._turn("handshake")
            return
        self._sent.begun = True
        self._turn("connect")

    def _turn(self, text: str) -> None:
        if self._answered:
            self._open = Turn(time.time(), self._port, self._number, text)
            self._turns.found.append(self._open)
        self._answered = False

    def received(self, block: bytes) -> None:
        """The server has sent this."""
        if not self._answered and self._open is not None:
            self._open.answered = time.time()
        self._answered = True
        if self._handshake:
            self._handshake = False
            block = block[1:]
        for kind, _ in self._received.messages(block):
            if kind == b"G":  # it waits for rows
                self._copying = True


def _text(kind: bytes, body: bytes) -> str:
    if kind in b"QP":
        parts = body.split(b"\0")
        return " ".join((parts[0] if kind == b"Q" else parts[1]).decode("utf-8", "replace").split())
    return {b"S": "Sync", b"p": "password", b"H": "Flush"}.get(kind, "CopyDone")
