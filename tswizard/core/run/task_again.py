"""The task of a run that is carried out once more: resumed, or checked again."""

from tswizard.core.catalog.inventory import Inventory
from tswizard.core.catalog.read import read_server
from tswizard.core.db.client_tools import choose, find_tools, which_sentence
from tswizard.core.db.endpoint import Endpoint, needs_tls
from tswizard.core.model.plan import Task
from tswizard.core.run.run_folder import RunFolder, RunFolderError


async def task_again(
    run_folder: RunFolder, inventory: Inventory, source: Endpoint, target: Endpoint
) -> Task:
    """The task of a run that is carried out once more, with the target and the tools as they are
    now. Raises RunFolderError without tools, CannotConnect."""
    server = await read_server(target)
    found = find_tools()
    tools = choose(found, inventory.server.major, need_tls=needs_tls(source, target))
    if tools is None:
        raise RunFolderError(f"No pg_dump here serves that server: {which_sentence(found)}.")
    answers, dump = run_folder.record.answers, run_folder.dump_path
    return Task(
        source=source,
        target=target,
        inventory=inventory,
        target_server=server,
        answers=answers,
        tools=tools,
        dump=dump,
    )
