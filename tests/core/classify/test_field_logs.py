"""Logs in the shapes that people bring: encodings, languages, what is around the lines."""

import re
from io import BytesIO
from pathlib import Path

import pytest

from tswizard.core.classify.encoding import LogReader
from tswizard.core.classify.log import LogReport, classify_log
from tswizard.core.model.verdict import Verdict

FOLDER = Path(__file__).parent / "field_logs"
LOGS = sorted(path.stem for path in FOLDER.glob("*.log"))


def classified(name: str) -> LogReport:
    first = (FOLDER / f"{name}.expected").read_text(encoding="utf-8").partition("\n")[0]
    options = re.findall(r"--(tool|method|phase) (\S+)", first) if first.startswith("#") else []
    return classify_log(LogReader(BytesIO((FOLDER / f"{name}.log").read_bytes())), **dict(options))


def expected(name: str) -> list[tuple[int, str]]:
    lines = (FOLDER / f"{name}.expected").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return [(int(number), verdict) for number, verdict in rows]


@pytest.mark.parametrize("name", LOGS)
def test_every_line_is_judged_as_it_should_be(name: str) -> None:
    report = classified(name)
    worst: dict[int, Verdict] = {}
    for one in report.judged:
        if one.number <= report.lines:
            known = worst.get(one.number, one.verdict)
            worst[one.number] = max(known, one.verdict, key=lambda verdict: verdict.rank)
    assert [(number, str(verdict)) for number, verdict in worst.items()] == expected(name)


@pytest.mark.parametrize("name", LOGS)
def test_no_log_with_a_loss_is_clean(name: str) -> None:
    report = classified(name)
    assert (report.worst is Verdict.LOST) == ("lost" in dict(expected(name)).values())
    assert report.worst is not Verdict.SAFE or all(v == "safe" for _, v in expected(name))


@pytest.mark.parametrize(
    ("name", "encodings", "languages", "frames"),
    [
        ("cp1251", ("cp1251",), ("ru",), ()),
        ("cp866", ("cp866",), ("ru",), ()),
        ("gbk", ("gb18030",), ("zh_CN",), ()),
        ("sjis", ("cp932",), ("ja",), ()),
        ("euckr", ("cp949",), ("ko",), ()),
        ("utf16be_ru", ("utf-16-be",), ("ru",), ()),
        ("plain_tr_tr", ("utf-8",), ("tr",), ()),
        ("kubectl", (), (), ("kubectl",)),
        ("docker_json", ("utf-8",), ("de",), ("JSON",)),
        ("csvlog", (), (), ("csvlog",)),
    ],
)
def test_a_report_says_how_the_log_was_read(
    name: str, encodings: tuple[str, ...], languages: tuple[str, ...], frames: tuple[str, ...]
) -> None:
    report = classified(name)
    assert set(languages) <= set(report.languages)
    assert report.frames == frames
    if name != "docker_json":
        assert report.encodings == encodings
