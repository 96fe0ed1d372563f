"""A link like one to a far server: a relay on 127.0.0.1 that delays and limits each direction.

    python -m tests.support.slow_link PORT=HOST:PORT … --delay 0.02 --rate 5242880

`delay` is seconds one way, so a round trip takes twice as long; `rate` is bytes a second of each
direction, shared by all connections through one relay as they would share a line.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.support.turns import Turns, Watch

_BLOCK = 16 << 10
_IN_FLIGHT = 256
"""Blocks on their way before the sender has to wait."""


@dataclass(slots=True)
class _Line:
    """One direction: when it will have sent all that it was given."""

    rate: float | None
    free_at: float = 0.0

    def sent_at(self, size: int) -> float:
        """When a block will have left, if it is handed over now."""
        now = time.monotonic()
        if self.rate is None:
            return now
        self.free_at = max(self.free_at, now) + size / self.rate
        return self.free_at


@dataclass(slots=True)
class SlowLink:
    """A relay to one server. `port` is known once it listens."""

    host: str
    to_port: int
    delay: float
    """Seconds, one way."""
    rate: float | None
    """Bytes a second, each way; None is no limit."""
    port: int = 0
    moved: list[int] = field(default_factory=lambda: [0, 0])
    """Bytes to the server, and from it."""
    pulled: bool = False
    audible: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: what is sent either way vanishes for the time being, and nothing is closed."""
    turns: Turns = field(default_factory=Turns)
    """The round trips so far."""
    serving: set["asyncio.Task[None]"] = field(default_factory=set)
    """The connections that are open."""
    _lines: tuple[_Line, _Line] = field(init=False)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lines = (_Line(self.rate), _Line(self.rate))
        self.audible.set()

    def pull(self) -> None:
        """The cable is out: every connection breaks off, and none comes about until `plug`."""
        self.pulled = True
        for writer in tuple(self._open):
            writer.transport.abort()

    def plug(self) -> None:
        self.pulled = False

    def hush(self) -> None:
        """Nothing comes through anymore, and no connection breaks off: new ones come about, and
        nobody answers on them. `speak` ends it; what was held back comes then."""
        self.audible.clear()

    def speak(self) -> None:
        self.audible.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        if self.pulled:
            writer.transport.abort()
            return
        own = asyncio.current_task()
        assert own is not None
        self.serving.add(own)
        own.add_done_callback(self.serving.discard)
        try:
            there, back = await asyncio.open_connection(self.host, self.to_port)
        except OSError:
            writer.close()
            return
        self._open |= {writer, back}
        watch = self.turns.watch(self.to_port)
        try:
            await asyncio.gather(
                self._relay(reader, back, 0, watch), self._relay(there, writer, 1, watch)
            )
        except OSError:
            pass
        finally:
            self._open -= {writer, back}
            for end in (writer, back):
                end.close()

    async def _relay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: int, watch: Watch
    ) -> None:
        flying: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_IN_FLIGHT)
        landing = asyncio.create_task(self._land(flying, writer, way, watch))
        try:
            while block := await reader.read(_BLOCK):
                if not way:
                    watch.sent(block)
                leaves = self._lines[way].sent_at(len(block))
                await flying.put((leaves + self.delay, block))
                # The line is busy until then: the sender's own buffers fill as they would.
                await asyncio.sleep(max(0.0, leaves - time.monotonic() - self.delay))
        finally:
            with suppress(asyncio.CancelledError):
                await flying.put((0.0, b""))
                await landing

    async def _land(
        self,
        flying: "asyncio.Queue[tuple[float, bytes]]",
        writer: asyncio.StreamWriter,
        way: int,
        watch: Watch,
    ) -> None:
        failed = False
        while True:
            at, block = await flying.get()
            if not block:
                break
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            await self.audible.wait()
            if failed:
                continue
            try:
                if way:  # now the client has it
                    watch.received(block)
                writer.write(block)
                await writer.drain()
                self.moved[way] += len(block)
            except OSError:
                failed = True
        with suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()


@asynccontextmanager
async def slow_link(
    host: str, port: int, *, delay: float, rate: float | None, listen: int = 0
) -> AsyncIterator[SlowLink]:
    """A relay to that server while the block runs."""
    link = SlowLink(host, port, delay, rate)
    server = await asyncio.start_server(link.serve, "127.0.0.1", listen)
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        link.speak()
        for task in link.serving:
            task.cancel()
        await asyncio.gather(*link.serving, return_exceptions=True)


async def _main(pairs: list[str], delay: float, rate: float | None) -> None:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:
        for pair in pairs:
            listen, _, to = pair.partition("=")
            host, _, port = to.rpartition(":")
            await stack.enter_async_context(
                slow_link(host, int(port), delay=delay, rate=rate, listen=int(listen))
            )
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", nargs="+")
    parser.add_argument("--delay", type=float, default=0.02)
    parser.add_argument("--rate", type=float, default=None)
    given = parser.parse_args()
    asyncio.run(_main(given.pairs, given.delay, given.rate))
