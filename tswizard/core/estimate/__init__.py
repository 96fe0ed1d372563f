"""How long a migration takes: arithmetic on what was read and timed, without any I/O."""
