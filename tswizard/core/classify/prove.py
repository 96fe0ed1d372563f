"""The checks that harmless verdicts need."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from tswizard.core.model.judged import JudgedMessage, ProofState
from tswizard.core.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Origin:
    """What the table of a chunk belongs to on the source."""

    kind: str
    """hypertable or continuous aggregate."""
    name: str
    """Its schema.name."""
    part: str
    """What the table is, e.g. `one of its compressed chunks`."""


class Prover(Protocol):
    """Runs checks on the databases."""

    async def holds(self, proof: str, args: Mapping[str, str]) -> bool | None:
        """Whether the claim of a proof holds for these arguments; None when that is unknown."""

    async def origin(self, schema: str, relation: str) -> Origin | None:
        """The hypertable or continuous aggregate that a chunk's table belongs to on the source;
        None for any other table. The schema may be empty."""


async def prove(judged: JudgedMessage, prover: Prover | None) -> JudgedMessage:
    """The verdict after its proof: harmless when it holds, `look` when it does not; for lost
    rows, with the name of the hypertable.

    Without a prover, or when the check cannot be made, the verdict stays the one without proof.
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
        reason=f"Often harmless, but not here: it is not true that {judged.claim}.",
    )


def _named(judged: JudgedMessage, origin: Origin) -> JudgedMessage:
    return replace(
        judged,
        object=f"{origin.kind} {origin.name}",
        reason=f"The {origin.kind} {origin.name} lost rows: {judged.relation} is {origin.part}. "
        f"{judged.reason}",
    )
