"""What the wizard of the screens' tests finds: two databases and this machine, as recorded.

Only addresses, TLS and latency are not those of the demo's servers.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from tests.support.recordings import load_pair
from tswizard.core.build_plan import build_plan
from tswizard.core.catalog.inventory import Inventory
from tswizard.core.db.client_tools import ClientTools
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.answers import Answers
from tswizard.core.model.finding import Finding
from tswizard.core.model.plan import Plan
from tswizard.core.model.prepared import Prepared
from tswizard.core.run.run_folder import dump_folder
from tswizard.wizard.state import ConnectedDatabase, ConnectedPair, Inspected, with_jobs

SOURCE_URL = "postgresql://tsdbadmin@mst-2f1a.example.com:20985/defaultdb"
TARGET_URL = "postgresql://tsdbadmin@x7f0q.tsdb.example.com:33412/tsdb?sslmode=require"
SOURCE = Endpoint.parse(SOURCE_URL, password="mst-secret")
TARGET = Endpoint.parse(TARGET_URL, password="cloud-secret")
RUNS = Path("/home/ada/.local/state/tswizard/runs")
TOOLS = ClientTools(
    folder=Path("/usr/lib/postgresql/18/bin"),
    version="18.6",
    major=18,
    origin="system",
    tls=True,
    compressions=("gzip",),
)

SOURCE_SERVER = replace(load_pair().source.server, tls="TLSv1.3", latency_s=0.0124)
TARGET_SERVER = replace(load_pair().target.server, tls="TLSv1.3", latency_s=0.0287)
INVENTORY = replace(load_pair().source, server=SOURCE_SERVER)
EMPTY = replace(load_pair().target, server=TARGET_SERVER)
PAIR = ConnectedPair(
    ConnectedDatabase(SOURCE, SOURCE_SERVER), ConnectedDatabase(TARGET, TARGET_SERVER)
)
REFUSED = CannotConnect(*load_pair().refused)
"""Of the source, when the password is wrong."""


def preflight(situation: str) -> tuple[Finding, ...]:
    """What preflight said; `scripts.record_runs` names the situations."""
    return load_pair().preflight[situation]


INSPECTED = Inspected(
    pair=PAIR,
    inventory=INVENTORY,
    target_inventory=EMPTY,
    findings=preflight("as it is"),
    answers=with_jobs(Answers(), PAIR),
)


def plan(answers: Answers, inventory: Inventory = INVENTORY) -> Plan:
    """The engine's own plan of a run."""
    prepared = prepared_for(answers, inventory)
    return build_plan(prepared.task(dump_folder(RUNS / "RUN", answers)))


def prepared_for(
    answers: Answers, inventory: Inventory = INVENTORY, target: Inventory = EMPTY
) -> Prepared:
    """What the engine would be given for these answers."""
    return Prepared(
        source=SOURCE,
        target=TARGET,
        inventory=inventory,
        target_inventory=target,
        answers=answers,
        found=(TOOLS,),
        tools=TOOLS,
        staging=RUNS,
    )


@cache
def titles(answers: Answers) -> dict[str, str]:
    """Title of each step of a run, by its id."""
    return {step.id: step.title for step in plan(answers).steps}
