"""How both databases store and sort text."""

from collections.abc import Iterator

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.model.finding import Finding
from tswizard.core.model.prepared import Prepared
from tswizard.core.preflight.check import AnyCheck, Check
from tswizard.core.preflight.wording import look


def _encoding(prepared: Prepared) -> Iterator[Finding]:
    source = prepared.inventory.server.encoding
    target = prepared.target_inventory.server.encoding
    if source == target or (target == "UTF8" and source != "SQL_ASCII"):
        return
    yield look(
        "encoding",
        f"Encoding: {source} on the source, {target} on the target.",
        where=prepared.target.label,
        why="SQL_ASCII on the source stores unvalidated bytes."
        if source == "SQL_ASCII"
        else "Text is converted on the way; a character that the target's encoding lacks is an "
        "error, and its table stays empty.",
        todo=f"Use a target database with encoding {source}"
        + ("." if source == "UTF8" else ", or UTF8 after checking the text."),
    )


def _collation(prepared: Prepared) -> Iterator[Finding]:
    source, target = prepared.inventory, prepared.target_inventory
    ours, theirs = source.extras.locale_provider, target.extras.locale_provider
    same_provider = ours == theirs or not (ours and theirs)
    if source.server.collate == target.server.collate and same_provider:
        return
    yield look(
        "collation",
        f"Text sorts by {_locale(source)} on the source and by {_locale(target)} on the target.",
        where=prepared.target.label,
        why="ORDER BY, ranges and LIKE on text can give other results than before. Rows are the "
        "same, and indexes are rebuilt.",
        todo="If it matters, create the target database with the source's collation.",
    )


def _locale(inventory: Inventory) -> str:
    provider = inventory.extras.locale_provider
    return f"{inventory.server.collate} ({provider})" if provider else inventory.server.collate


ENCODING_CHECKS: tuple[AnyCheck, ...] = (
    Check(gives=("encoding",), run=_encoding),
    Check(gives=("collation",), run=_collation),
)
