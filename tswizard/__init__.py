"""tswizard: move a TimescaleDB database, and prove that everything arrived."""

__version__ = "0.1.0"
