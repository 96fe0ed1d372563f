"""Resume: where a run stands, what resuming does, and what it needs to know again."""

from typing import TYPE_CHECKING

from tswizard.core.db.endpoint import BadEndpoint, Endpoint
from tswizard.core.db.errors import CannotConnect
from tswizard.core.model.events import StepState
from tswizard.core.model.wording import duration
from tswizard.core.run.record import StepRecord
from tswizard.core.run.run_folder import RunFolder, RunFolderError
from tswizard.plain.prompts import Back
from tswizard.plain.session import Session, declared
from tswizard.plain.walk import walk
from tswizard.wizard.text import date_and_time

if TYPE_CHECKING:
    from tswizard.wizard.engine import EndpointPair, Running

_OVER = (StepState.DONE, StepState.SKIPPED)

HELP = (
    "Finished steps are not repeated; the others are run. A finished dump is used again, and "
    "pieces that were copied stay. When an interrupted restore has left something on the target, "
    "everything that this run put there is removed first, but only after you typed the name of "
    "the target database. Passwords are asked for again, since a run never stores them."
)


async def resume(
    session: Session, run_folder: RunFolder, known: "EndpointPair | None" = None
) -> "tuple[Running, EndpointPair]":
    """The run, going on, and its ends. Raises Back, Leave."""
    return await _Resume(session, run_folder, known).ask()


class _Resume:
    def __init__(
        self, session: Session, run_folder: RunFolder, known: "EndpointPair | None"
    ) -> None:
        record = run_folder.record
        self._session = session
        self._run_folder = run_folder
        try:
            ends = known or (Endpoint.parse(record.source), Endpoint.parse(record.target))
        except BadEndpoint as error:
            session.voice.say(f"FAIL: {run_folder.path / 'run.json'}: {error}")
            raise Back from None
        self._ends = {"source": ends[0], "target": ends[1]}

    async def ask(self) -> "tuple[Running, EndpointPair]":
        self._say_where_it_stands()
        from_end = False
        while True:
            await walk((self._ask_source, self._ask_target), from_end=from_end)
            from_end = True
            try:
                return await self._try()
            except (CannotConnect, RunFolderError) as error:
                self._session.voice.say(f"FAIL: {error}")
                what = getattr(error, "what", "")
                from_end = self._session_label("source") not in what
            except Back as back:
                if back.to:
                    raise

    def _session_label(self, end: str) -> str:
        return self._ends[end].label

    def _say_where_it_stands(self) -> None:
        record, voice = self._run_folder.record, self._session.voice
        took = f", {duration(record.seconds)} so far" if record.seconds else ""
        voice.say(f"{record.id}, started {date_and_time(record.started)}{took}.")
        voice.say(f"Source: {record.source_label}. Target: {record.target_label}.")
        for title, over in (("Done", True), ("To do", False)):
            steps = [step for step in record.steps if (step.state in _OVER) is over]
            voice.say(f"{title}: {', '.join(map(_title, steps)) or 'none'}.")

    async def _ask_source(self) -> bool:
        return await self._password("source")

    async def _ask_target(self) -> bool:
        return await self._password("target")

    async def _password(self, end: str) -> bool:
        asked, ask = declared(end, "password"), self._session.ask
        ask.asked.append(asked.name)
        endpoint = self._ends[end]
        empty = "empty keeps the one that is set" if endpoint.password else "empty: ~/.pgpass"
        typed = await ask.secret(f"Password for {endpoint.label} ({empty})", help=HELP)
        if typed:
            self._ends[end] = endpoint.with_password(typed)
        return True

    async def _try(self) -> "tuple[Running, EndpointPair]":
        """Raises CannotConnect, RunFolderError, Back."""
        engine, until_done = self._session.engine, self._session.interrupts.until_done
        source, target = self._ends["source"], self._ends["target"]
        self._session.voice.say(f"Checking {target.label} …")
        sentence = await until_done(engine.needs_confirmation(self._run_folder, target))
        confirm = await self._confirmed(sentence, target) if sentence else None
        run = await until_done(engine.reopen(self._run_folder, source, target, confirm))
        return run, (source, target)

    async def _confirmed(self, sentence: str, target: Endpoint) -> str:
        name = target.get("dbname") or target.get("user")
        self._session.voice.say(sentence)
        while True:
            typed = await self._session.ask.line(
                f"To remove what this run put there, type the target database's name ({name})",
                help=HELP,
            )
            if typed == name:
                return typed
            self._session.voice.say(f"To continue, type {name}")


def _title(step: StepRecord) -> str:
    return step.title or step.name.replace("-", " ")
