"""Making the checks that harmless verdicts rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from tswizard.core.model.judged import JudgedMessage, ProofState
from tswizard.core.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Origin:
    """What a chunk's table belongs to on the source."""

    kind: str
    """hypertable or continuous aggregate."""
    name: str
    """schema.name of that."""
    part: str
    """What the table is of it, e.g. `its compressed chunk`."""


class Prover(Protocol):
    """Whoever can ask the databases."""

    async def holds(self, proof: str, args: Mapping[str, str]) -> bool | None:
        """Whether a proof's claim is true of these arguments; None when that cannot be found
        out."""

    async def origin(self, schema: str, relation: str) -> Origin | None:
        """The hypertable or aggregate of the source behind a chunk's table; None for any other
        table. The schema may be empty."""


async def prove(judged: JudgedMessage, prover: Prover | None) -> JudgedMessage:
    """The verdict after its proof: kept when it holds, `look` when it does not; and lost rows
    with the hypertable's own name.

    Without a prover, or when the check cannot be made, it stays what may be said without proof.
    """
    if judged.relation and prover is not None:
        origin = await prover.origin(judged.schema, judged.relation)
        return judged if origin is None else _named(judged, origin)
    if judged.if_proven is None or prover is None:
        return judged
    holds = await prover.holds(judged.proof, dict(judged.args))
    if holds is None:
        return judged
    if holds:
        return replace(
            judged,
            verdict=judged.if_proven.verdict,
            proof_state=ProofState.HELD,
            reason=f"{judged.if_proven.reason} (Checked: {judged.claim}.)",
            todo=judged.if_proven.todo,
        )
    return replace(
        judged,
        verdict=Verdict.LOOK,
        proof_state=ProofState.FAILED,
        reason=f"Often harmless, but not here: it is not so that {judged.claim}.",
    )


def _named(judged: JudgedMessage, origin: Origin) -> JudgedMessage:
    return replace(
        judged,
        object=f"{origin.kind} {origin.name}",
        reason=f"The {origin.kind} {origin.name} lost rows: {judged.relation} is {origin.part}. "
        f"{judged.reason}",
    )
