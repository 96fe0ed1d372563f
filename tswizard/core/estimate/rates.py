"""Rates as ranges: what a probe timed, and how far a whole run may be from it."""

from dataclasses import dataclass, replace

from tswizard.core.estimate.workload import Workload
from tswizard.core.model.probed import SampleKind, Timed, Timing
from tswizard.core.model.wording import size

_PLAIN = (SampleKind.CHUNK, SampleKind.TABLE)
_UNKNOWN = (3 << 20, 60 << 20)
"""Bytes a second where nothing was timed: a slow line, and a fast one."""
_FAR_END = 2.0
"""An end that was not timed is as fast as the other one, or takes up to twice as long."""
_SHORT_SAMPLE = 1.0
"""Seconds below which starting weighs more than moving: such a rate is a lower bound."""
_TINY = 100
"""A sample this many times smaller than another one only tells what starting costs."""
_NO_MORE = 1.35
_TRIPS = {
    Timed.DUMP: (4.0, 0.0),
    Timed.COPY: (6.0, 0.0),
    Timed.STREAM: (6.0, 2.0),
    Timed.CHECKSUM: (1.0, 0.0),
    Timed.INDEX: (0.0, 1.0),
    Timed.COMPRESS: (0.0, 1.0),
}
"""Round trips to source and target for each table or chunk that is timed."""
_SCAN = 100 << 20
"""Bytes a second that even a busy server reads of tables that it only takes samples of."""
_BUILD = 40 << 20
"""Bytes a second of index that even a busy server builds, where a sample was too small to tell."""
_FEW_PAGES = 1 << 20
"""Bytes of an index below which asking for it takes longer than building it."""
_PIECE = 0.002
"""Seconds of a server for each of them."""
_AT_LEAST = 0.03
"""Of the time that was taken, what is left to the rows themselves."""
_SHARING = 0.75
"""Of this machine's cores, what is left to a client whose server runs on them as well."""
_TEXT = 1.0
"""Bytes of text in COPY for each stored byte of rows, about."""
_BASE64 = 1.4
"""The same for compressed rows."""
_INDEX = (2 << 20, 40 << 20)
_COMPRESS = (5 << 20, 80 << 20)
_CHECKSUM = (20 << 20, 300 << 20)
"""Bytes a second on a small and on a large server, where nothing was timed."""


@dataclass(frozen=True, slots=True)
class RateRange:
    """Bytes as stored that are done in a second."""

    low: float
    high: float
    how: str
    timed: bool = True


class Rates:
    """Of one workload. `plain` is rows that are not compressed; the others are compressed."""

    def __init__(self, workload: Workload) -> None:
        self._load = workload
        self._probe = workload.probe

    def _timing(self, what: Timed, *, plain: bool, parallel: bool | None = None) -> Timing | None:
        """Of that kind or, where there is none, of the other."""
        if self._probe is None:
            return None
        found = self._probe.of(what, parallel=parallel)
        own = [t for t in found if (t.kind in _PLAIN) == plain]
        best = max(found, key=lambda t: t.stored, default=None)
        # A table of a few rows tells less than a large sample of the other kind.
        tiny = best is not None and all(t.stored * _TINY < best.stored for t in own)
        chosen = best if tiny or not own else own[0]
        return _net(self._load, chosen) if chosen is not None else None

    @property
    def speedup(self) -> tuple[float, float]:
        """What `jobs` connections read of one connection's rate; from, to."""
        jobs = self._load.jobs
        if jobs == 1:
            return 1.0, 1.0
        factors = []
        for one in self._probe.of(Timed.COPY, parallel=False) if self._probe else ():
            many = self._probe.of(Timed.COPY, one.kind, parallel=True) if self._probe else ()
            factors += [m.rate / one.rate for m in many if one.seconds > _SHORT_SAMPLE]
        if not factors:
            return 1.0, float(jobs)
        return max(1.0, min(factors) * 0.9), max(1.0, max(factors) * 1.1)

    @property
    def link_bound(self) -> bool:
        """Several connections read hardly more than one: the link is what limits them."""
        return self._load.jobs > 1 and self.speedup[1] < _NO_MORE

    @property
    def client_speedup(self) -> float:
        """What as many client tools as there are jobs do on this machine's cores."""
        cores = self._load.cores * (_SHARING if self._load.shared else 1.0)
        return max(1.0, min(float(self._load.jobs), cores))

    def _working(self, ends: int = 1) -> tuple[float, float]:
        """What all jobs do on a server's own cores, of what one did; from, to.

        `ends` are the servers that are at it at the same time.
        """
        if not self._load.shared:
            return self.speedup
        cores = min(float(self._load.jobs * ends), float(self._load.cores)) / ends
        return max(0.5, cores * 0.75), max(1.0, cores * 1.2)

    def dump(self, *, plain: bool) -> RateRange:
        """Full's dump, by all jobs: bytes as stored."""
        one = self._timing(Timed.DUMP, plain=plain)
        copied = self._timing(Timed.COPY, plain=plain, parallel=self._load.jobs > 1)
        if one is None:
            if copied is None:
                return self._unknown("nothing was dumped")
            # pg_dump writes text and compresses it, which COPY alone does not.
            return _about(copied, 0.25, 1.0, f"COPY read {_rate(copied)}; pg_dump was not timed")
        jobs, (low, high) = self._load.jobs, self.speedup
        low, high = min(low, self.client_speedup), max(low, min(high, self.client_speedup * 1.3))
        own = (one.kind in _PLAIN) == plain
        if copied is not None and own and copied.kind is one.kind:
            # Several dumps get no more through the link than several copies did.
            wire = copied.rate / one.rate / (_TEXT if plain else _BASE64)
            high = max(1.0, min(high, wire * 1.1))
            low = min(low, high)
        several = f", {jobs} jobs {low:.1f} – {high:.1f} times that" if jobs > 1 else ""
        return _about(one, low, high, f"pg_dump of {one.table}: {_rate(one)}{several}", own=own)

    def read(self, *, plain: bool) -> RateRange:
        """Split's reading by all jobs: bytes of rows as they are uncompressed."""
        many = self._timing(Timed.COPY, plain=plain, parallel=self._load.jobs > 1)
        if many is None:
            return self._unknown("nothing was copied")
        own = (many.kind in _PLAIN) == plain
        return _about(many, 0.9, 1.05, f"COPY of {many.table}: {_rate(many)}", own=own)

    def stream(self, *, plain: bool) -> RateRange:
        """Split's copy into the target by all jobs: bytes of rows as they are uncompressed."""
        timed = self._timing(Timed.STREAM, plain=plain)
        if timed is None:
            return self._by_reading(plain=plain)
        own = (timed.kind in _PLAIN) == plain
        how = f"COPY of {timed.table} into the target: {_rate(timed)}"
        found = _about(timed, 0.85, 1.1, how, own=own)
        if not self.link_bound:
            return found
        # The end of a short copy waits for one link, then for the other; a long one is as fast as
        # the slower of them.
        slower = min(self.read(plain=plain).high, self.restore(plain=plain).high)
        return replace(found, high=max(found.high, slower))

    def restore(self, *, plain: bool) -> RateRange:
        """Full's restore of rows by all jobs: bytes as stored."""
        timed = self._timing(Timed.RESTORE, plain=plain)
        if timed is None:
            return self._by_reading(plain=plain)
        own = (timed.kind in _PLAIN) == plain
        how = f"text of {timed.table} loaded into the target: {_rate(timed)}"
        return _about(timed, 0.75, 1.1, how, own=own)

    def _by_reading(self, *, plain: bool) -> RateRange:
        """The way into the target where it was not timed."""
        read = self.read(plain=plain)
        how = f"{read.how}; the target counted at 1 – {_FAR_END:.0f} times its time"
        return RateRange(read.low / _FAR_END, read.high, how, timed=False)

    def index(self) -> RateRange:
        """Building indexes on the target, by all jobs: bytes of index."""
        low, high = self._working()
        timed = self._timing(Timed.INDEX, plain=True)
        if timed is None:
            why = "building indexes was not timed"
            return RateRange(_INDEX[0] * low, _INDEX[1] * high, why, timed=False)
        rate = timed.bytes / timed.seconds
        how = f"{size(rate)}/s of index on the scratch table{_times(low, high)}"
        found = RateRange(rate * low * 0.85, rate * high * 1.15, how)
        if timed.bytes >= _FEW_PAGES:
            return found
        return _at_least(found, _BUILD / self._load.slowness)

    def compress(self) -> RateRange:
        """Compression on the target by all jobs: bytes of rows as they are uncompressed."""
        low, high = self._working()
        timed = self._timing(Timed.COMPRESS, plain=False)
        if timed is None:
            why = "compression was not timed"
            return RateRange(_COMPRESS[0] * low, _COMPRESS[1] * high, why, timed=False)
        how = f"the scratch table compressed at {_rate(timed)}{_times(low, high)}"
        return _about(timed, low * 0.85, high * 1.15, how)

    def checksum(self, *, plain: bool) -> RateRange:
        """The check reads both databases by all jobs: bytes of rows, uncompressed, of one."""
        low, high = self._working(ends=2)
        timed = self._timing(Timed.CHECKSUM, plain=plain)
        if timed is None:
            why = "checksums were not timed"
            return RateRange(_CHECKSUM[0] * low, _CHECKSUM[1] * high, why, timed=False)
        own = (timed.kind in _PLAIN) == plain
        how = f"checksum of {timed.table}: {_rate(timed)}{_times(low, high)}"
        return _about(timed, low * 0.9, high * 1.1, how, own=own)

    def scan(self) -> RateRange:
        """Reading rows by one session on the target, as ANALYZE does."""
        timed = self._timing(Timed.CHECKSUM, plain=True)
        if timed is None:
            return RateRange(_CHECKSUM[0], _CHECKSUM[1], "reading was not timed", timed=False)
        found = _about(timed, 0.6, 1.2, f"about as a checksum: {_rate(timed)}")
        # Small chunks are read as fast as large ones; their rate is that of asking for them.
        return _at_least(found, _SCAN / self._load.slowness)

    @staticmethod
    def _unknown(why: str) -> RateRange:
        return RateRange(
            *_UNKNOWN, f"{why}: anything from a slow to a fast connection", timed=False
        )


def _net(load: Workload, timing: Timing) -> Timing:
    """Without what it took for its tables and chunks one by one: that is calculated separately."""
    source, target = _TRIPS.get(timing.what, (0.0, 0.0))
    each = source * load.trip + target * load.target_trip + _PIECE * load.slowness
    spent = timing.pieces * each / timing.connections
    return replace(timing, seconds=max(timing.seconds - spent, timing.seconds * _AT_LEAST))


def _about(timing: Timing, low: float, high: float, how: str, *, own: bool = True) -> RateRange:
    """Around what was timed. A short sample, or one of another kind, says less."""
    rate = timing.stored / timing.seconds
    if timing.seconds < _SHORT_SAMPLE:
        low, high = low * 0.6, high * 2.0
        how += f", a short sample of {timing.seconds:.1f} s"
    if not own:
        low, high = low * 0.5, high * 2.0
        how += " (of another kind)"
    return RateRange(rate * low, rate * high, how)


def _at_least(rate: RateRange, least: float) -> RateRange:
    return replace(rate, low=max(rate.low, least), high=max(rate.high, least * 2))


def _times(low: float, high: float) -> str:
    """What all jobs do of it, where that is more or less than one does."""
    one = f"{low:.1f}" == f"{high:.1f}" == "1.0"
    return "" if one else f", by all jobs {low:.1f} – {high:.1f} times that"


def _rate(timing: Timing) -> str:
    return f"{size(timing.stored / timing.seconds)}/s"
