"""What preflight calls LOOK because the target may refuse it is no FAIL of the check."""

from collections import Counter
from dataclasses import replace

from tests.support import sample_inventory as sample
from tswizard.core.catalog.inventory import Extension
from tswizard.core.db.endpoint import Endpoint
from tswizard.core.model.finding import Level
from tswizard.core.verify.request import VerifyJob
from tswizard.core.verify.schema.compare import Difference, SchemaComparison
from tswizard.core.verify.schema.findings import schema_findings
from tswizard.core.verify.schema.named_beforehand import named_beforehand
from tswizard.core.verify.schema.read import ObjectKey

_EXTENSIONS = (
    Extension(name="timescaledb", version="2.28.3", schema="public"),
    Extension(name="pageinspect", version="1.9", schema="public"),
    Extension(name='odd"name', version="1.0", schema="public"),
    Extension(name="pg_trgm", version="1.6", schema="public", used=True),
)


def _job(*, superuser: bool = False) -> VerifyJob:
    end = Endpoint.parse("host=h dbname=d")
    server = replace(sample.SERVER, role=replace(sample.SERVER.role, superuser=superuser))
    known = sample.inventory(extensions=_EXTENSIONS)
    return VerifyJob(source=end, target=end, inventory=known, target_server=server)


def _missing(kind: str, name: str) -> Difference:
    return Difference(key=ObjectKey(kind, name), state="missing", level=Level.FAIL)


def _level(kind: str, name: str, *others: Difference, superuser: bool = False) -> Level:
    found, *_ = named_beforehand((_missing(kind, name), *others), _job(superuser=superuser))
    return found.level


def test_extensions_by_what_depends_on_them() -> None:
    assert _level("extension", "pageinspect") is Level.LOOK
    assert _level("extension", '"odd""name"') is Level.LOOK
    assert _level("extension", "pg_trgm") is Level.FAIL
    assert _level("extension", "timescaledb") is Level.FAIL


def test_event_triggers_by_who_creates_them() -> None:
    assert _level("event-trigger", "et") is Level.LOOK
    assert _level("event-trigger", "et", superuser=True) is Level.FAIL


def test_what_is_on_a_missing_object_shares_its_level() -> None:
    trigger = _missing("event-trigger", "et")
    assert _level("comment", "event trigger et", trigger) is Level.LOOK
    assert _level("security-label", "selinux on event trigger et", trigger) is Level.LOOK
    assert _level("comment", "event trigger et") is Level.FAIL
    assert _level("comment", "table public.et", trigger) is Level.FAIL
    assert _level("trigger", "public.t.et", trigger) is Level.FAIL


def test_another_version_is_as_it_was() -> None:
    differs = replace(_missing("extension", "pageinspect"), state="differs")
    assert named_beforehand((differs,), _job()) == (differs,)


def test_the_todo_of_a_missing_extension_is_not_to_update_it() -> None:
    found = named_beforehand((_missing("extension", "pageinspect"),), _job())
    (finding,) = [
        f
        for f in schema_findings(SchemaComparison(found, Counter(extension=4), Counter()), {})
        if f.id == "schema-extension"
    ]
    assert finding.level is Level.LOOK
    assert "UPDATE" not in finding.todo
    assert "Do without it" in finding.todo
    assert "nothing in the source's catalog depends on it" in finding.details[0]


def test_what_differs_is_to_be_changed_and_what_is_missing_created() -> None:
    todos = []
    for state in ("missing", "differs", "extra"):
        one = replace(_missing("index", "public.i"), state=state)
        comparison = SchemaComparison((one,), Counter(index=2), Counter())
        (finding,) = (f for f in schema_findings(comparison, {}) if f.id == "schema-index")
        todos.append(finding.todo)
    assert todos[0].startswith("See the log for why it was not created, create it on the target")
    assert todos[1].startswith("Compare the two below, change the target's to match")
    assert todos[2].startswith("It does not come from the source")
