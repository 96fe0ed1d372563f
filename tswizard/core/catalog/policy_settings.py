"""Keys of policies' configs, and which versions of TimescaleDB know them.

From the sources of 2.9.0 to 2.29.0 (tsl/src/bgw_policy/policies_v2.h, sql/policy_internal.sql,
tsl/src/compression/create.c). Another version merges a key that it does not know into the config
and never reads it.
"""

from collections.abc import Iterable

_ALWAYS = frozenset(
    (
        "hypertable_id",
        "mat_hypertable_id",
        "start_offset",
        "end_offset",
        "compress_after",
        "drop_after",
        "index_name",
        "maxchunks_to_compress",
        "recompress",
        "verbose_log",
    )
)
# Since 2.13. Without one such a policy would have no age, so it is never left out: the function
# that adds the policy refuses it.
_OF_THE_POLICY = frozenset(("compress_created_before", "drop_created_before"))
_SINCE: dict[str, tuple[int, ...]] = {
    "include_tiered_data": (2, 18),
    "hypercore_use_access_method": (2, 18),
    "buckets_per_batch": (2, 19),
    "max_batches_per_execution": (2, 19),
    "refresh_newest_first": (2, 20),
    "process_hypertable_invalidations": (2, 21),
    "reindex": (2, 21),
    "compress_after_refresh": (2, 27),
    "recompress_unordered": (2, 29),
    # Of compaction policies, which came with them.
    "max_chunks": (2, 29),
    "max_batches": (2, 29),
    "inactive_for": (2, 29),
}
_UNTIL: dict[str, tuple[int, ...]] = {
    "hypercore_use_access_method": (2, 22),
    "process_hypertable_invalidations": (2, 27),
}


def knows_setting(version: tuple[int, ...], key: str) -> bool:
    """Does this version read the key? True for one that nobody knows."""
    return _SINCE.get(key, ()) <= version and not (key in _UNTIL and version >= _UNTIL[key])


def unknown_settings(keys: Iterable[str]) -> list[str]:
    """Keys of which it is not known here which versions have them."""
    known = {*_ALWAYS, *_OF_THE_POLICY, *_SINCE}
    return sorted(key for key in keys if key not in known)
