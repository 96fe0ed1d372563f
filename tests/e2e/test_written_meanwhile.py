"""A row is written on the source after the dump, on servers where no snapshot can be held."""

from pathlib import Path

import pytest

from tests.support.program import Program
from tswizard.core.db.connection import connected
from tswizard.core.db.endpoint import Endpoint
from tswizard.demo import EmbeddedPair

pytestmark = pytest.mark.e2e


async def test_it_is_named_as_what_it_is(pair: EmbeddedPair, tmp_path: Path) -> None:
    program = Program.make(tmp_path, pair)
    async with program.started("--answers", program.answers(pair, method="full")) as process:
        await program.log_says("dump finished")
        source = Endpoint.parse(pair.source_conninfo, password=pair.source_password)
        async with connected(source) as connection:
            await connection.execute("INSERT INTO public.import_buffer VALUES (999, 'new')")
            await connection.execute(
                "INSERT INTO public.conditions (time, sensor_id, temperature, humidity) "
                "VALUES ('2026-01-31 12:07+00', 1, 20, 40), ('2026-06-01 00:00+00', 1, 20, 40)"
            )  # the second one creates a chunk
        _, err = await process.communicate()
    assert process.returncode == 1, err.decode()
    report = program.report()
    wrong = {f["id"]: f["level"] for f in report["findings"] if f["level"] in ("look", "fail")}
    assert wrong.pop("rows-written") == "look"
    assert set(wrong.values()) <= {"look"}, wrong
    assert "sequences-beyond" in {f["id"] for f in report["findings"]}
    written = [f for f in report["findings"] if f["id"] == "rows-written"]
    assert {f["what"].split(":")[0] for f in written} >= {
        "public.import_buffer",
        "public.conditions",
    }
