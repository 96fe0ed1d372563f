"""Times what a migration does, on samples of the source, before anything is decided."""
