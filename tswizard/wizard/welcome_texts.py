"""What the wizard says of itself at its beginning."""

INTRO = (
    "Migrates a TimescaleDB database from Managed Service for TimescaleDB to Timescale Cloud, and "
    "proves that everything arrived."
)
PROMISE = (
    "All questions come first. Nothing is changed on either database until you type the target "
    "database's name on the Review screen."
)
DEMO = (
    "This is the demo: two small TimescaleDB servers on this machine, one of them with sample "
    "data. Both are removed when you quit."
)
