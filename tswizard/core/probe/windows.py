"""What a link with long round trips lets one connection transfer: no more than a window in each.

A kernel keeps what is under way in buffers that it lets grow, where it receives up to the last
number of `tcp_rmem`; about half of one holds data.
https://docs.kernel.org/networking/ip-sysctl.html
"""

from collections.abc import Iterator
from pathlib import Path

from tswizard.core.model.probed import Probe, Timed, Timing
from tswizard.core.model.wording import size

_TCP_RMEM = Path("/proc/sys/net/ipv4/tcp_rmem")
_DATA = 0.5
"""Part of a buffer that holds data."""
_NEAR = 0.6
"""Part of a window from which on it is likely to be the limit."""
_MORE = 1.5
"""Several connections get more than one if they get this many times as much."""


def largest_buffer(path: Path = _TCP_RMEM) -> int | None:
    """Up to how many bytes this machine's kernel lets a receiving buffer grow; None where it does
    not say."""
    try:
        return int(path.read_text(encoding="ascii").split()[2])
    except (OSError, ValueError, IndexError):
        return None


def window_limits(probe: Probe, buffer: int | None) -> Iterator[str]:
    """A sentence for each sample whose rows one connection reads as fast as the windows are likely
    to let it: what is under way comes near to one, and several connections got more."""
    trip = probe.source_round_trip
    if not trip or not buffer:
        return
    for one in probe.of(Timed.COPY, parallel=False):
        several = max(
            (t for t in probe.of(Timed.COPY, one.kind, parallel=True) if t.table == one.table),
            key=_rate,
            default=None,
        )
        under_way = one.rate * trip
        if several is None or several.rate < one.rate * _MORE:
            continue
        if under_way >= buffer * _DATA * _NEAR:
            yield (
                f"One connection has {size(under_way)} under way in a round trip of "
                f"{trip * 1000:.0f} ms (COPY of {one.table}, {size(one.rate)}/s), near to what "
                f"this machine's window holds (net.ipv4.tcp_rmem ends at {size(buffer)}, half of "
                f"it for data); {several.connections} connections get {size(several.rate)}/s. "
                "More jobs have more windows."
            )


def _rate(timing: Timing) -> float:
    return timing.rate
