"""A task with invented ends, client tools and folder, for what only looks at it."""

from pathlib import Path

from tests.support.sample_inventory import SERVER, inventory
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.answers import Answers
from tswizard.core.model.plan import Task
from tswizard.core.model.prepared import Prepared

TOOLS = ClientTools(
    folder=Path("/usr/lib/postgresql/17/bin"),
    version="17.5",
    major=17,
    origin="system",
    tls=True,
    compressions=("lz4", "gzip"),
)
SECRET = "hunter2"


def prepared(answers: Answers | None = None, *, tools: ClientTools = TOOLS) -> Prepared:
    """What is known before a run of these answers begins."""
    held = inventory()
    return Prepared(
        source=Endpoint.parse("host=mst.example.com user=a dbname=defaultdb", password=SECRET),
        target=Endpoint.parse("host=cloud.example.com user=b dbname='my db'", password=SECRET),
        inventory=held,
        target_inventory=inventory(server=SERVER),
        answers=answers or Answers(),
        found=(tools,),
        tools=tools,
        staging=Path("/var/tmp/a folder"),
    )


def task(answers: Answers | None = None, *, tools: ClientTools = TOOLS) -> Task:
    """The task of such a run."""
    return prepared(answers, tools=tools).task(Path("/var/tmp/a folder/dump"))
