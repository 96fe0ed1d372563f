"""The probe and the recommendation, line by line."""

import time
from collections.abc import Sequence
from contextlib import aclosing

from tswizard.cli.output import say
from tswizard.core.advise import advise
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.model.probed import Probe
from tswizard.core.model.recommendation import Advice
from tswizard.core.probe.events import ProbeDone
from tswizard.core.probe.run_probe import run_probe
from tswizard.core.probe.sample import choose_samples
from tswizard.core.probe.saved_probes import save_probe, saved_probe
from tswizard.wizard.timing_lines import TimingLines

_EVERY = 5.0
"""Seconds between two lines of progress."""
_FRESH = 24 * 3600.0
"""Seconds for which a probe of the same pair is used again."""


async def advised(prepared: Prepared, findings: Sequence[Finding]) -> Advice:
    """Probe if the answers ask for it, and say what is recommended and why."""
    answers = prepared.answers
    probe = saved_probe(prepared.source, prepared.target)
    if answers.probe and not _serves(probe, upload=answers.probe_upload):
        probe = await _probed(prepared)
    elif probe is not None:
        say(f"probe   of {time.strftime('%Y-%m-%d %H:%M', time.localtime(probe.at))}, used again")
    advice = advise(prepared, findings, probe)
    for estimate in advice.estimates:
        say(f"{estimate.method:<7} {estimate.seconds.text}; {estimate.bytes_how}")
        for what in estimate.unmeasured:
            say(f"        not measured: {what}")
    say(f"recommended  {advice.recommendation.sentence}")
    for reason in advice.recommendation.reasons[1:]:
        say(f"        {reason.text}")
    return advice


def _serves(probe: Probe | None, *, upload: bool) -> bool:
    if probe is None or time.time() - probe.at > _FRESH or probe.problems:
        return False
    return bool(probe.timings) and (probe.both_ends or not upload)


async def _probed(prepared: Prepared) -> Probe | None:
    """A new probe, told as it goes; it is kept."""
    lines = TimingLines(_EVERY)
    samples = choose_samples(prepared.inventory)
    upload = prepared.answers.probe_upload
    async with aclosing(run_probe(prepared, samples, upload=upload)) as events:
        async for event in events:
            if isinstance(event, ProbeDone):
                save_probe(event.probe, prepared.source, prepared.target)
                return event.probe
            if line := lines.of(event):
                say(f"{'probe' if line.begins else '':<7} {line.text}")
    return None
