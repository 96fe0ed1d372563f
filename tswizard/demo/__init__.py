"""The embedded pair: a source and a target TimescaleDB server with sample data, for a look around
and for the tests. Nothing here is used for a real migration.
"""

from tswizard.demo.pair import EmbeddedPair
from tswizard.demo.progress import DemoError, OnProgress, Prepared

__all__ = ["DemoError", "EmbeddedPair", "OnProgress", "Prepared"]
