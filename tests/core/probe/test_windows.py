"""What a long line's windows let one connection carry."""

from pathlib import Path

from tswizard.core.model.probed import Probe, SampleKind, Timed, Timing
from tswizard.core.probe.windows import largest_buffer, window_limits
from tswizard.wizard.estimate_words import probe_lines

MIB = 1 << 20
BUFFER = 6 * MIB


def _timing(rate: float, connections: int) -> Timing:
    moved = int(rate * MIB * 10)
    return Timing(
        what=Timed.COPY,
        kind=SampleKind.CHUNK,
        table="public.metrics",
        connections=connections,
        bytes=moved,
        stored=moved,
        rows=1,
        seconds=10,
    )


def _probe(trip: float, *timings: Timing) -> Probe:
    return Probe(at=0, timings=timings, source_round_trip=trip)


def test_one_connection_fills_its_window_and_several_get_more() -> None:
    probe = _probe(0.1, _timing(28, 1), _timing(96, 4))
    (sentence,) = window_limits(probe, BUFFER)
    assert "2.8 MiB under way in a round trip of 100 ms" in sentence
    assert "COPY of public.metrics, 28.0 MiB/s" in sentence
    assert "net.ipv4.tcp_rmem ends at 6.0 MiB" in sentence
    assert "4 connections get 96.0 MiB/s" in sentence


def test_a_window_is_no_limit_where_it_is_not_full_or_several_get_no_more() -> None:
    assert list(window_limits(_probe(0.002, _timing(28, 1), _timing(96, 4)), BUFFER)) == []
    assert list(window_limits(_probe(0.1, _timing(28, 1), _timing(30, 4)), BUFFER)) == []
    assert list(window_limits(_probe(0.1, _timing(28, 1)), BUFFER)) == []
    assert list(window_limits(_probe(0.1, _timing(28, 1), _timing(96, 4)), None)) == []


def test_the_buffer_is_read_where_the_kernel_tells_it(tmp_path: Path) -> None:
    (tmp_path / "tcp_rmem").write_text("4096\t131072\t6291456\n")
    assert largest_buffer(tmp_path / "tcp_rmem") == 6 * MIB
    assert largest_buffer(tmp_path / "none") is None


def test_it_is_said_with_what_was_timed() -> None:
    probe = Probe(at=0, timings=(_timing(28, 1),), limits=("a window",), problems=("a problem",))
    assert [text for mark, text in probe_lines(probe) if mark == "!"] == ["a window", "a problem"]
