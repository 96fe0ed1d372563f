"""Benchmarks of whole migrations: see the README here."""
