"""What the judge says beyond its rules: the guide's own examples, contexts, damage, sums."""

import pytest

from tests.support.classified import FixedProver, judge, total
from tests.support.rule_examples import copy, failed
from tswizard.core.classify.classifier import Classifier
from tswizard.core.classify.message import PlainLine
from tswizard.core.classify.prove import Origin, prove
from tswizard.core.classify.tally import VerdictTally, counted_once
from tswizard.core.model.judged import JudgedMessage, ProofState
from tswizard.core.model.verdict import Verdict, worst_verdict

# As the guide to migrating from MST prints them: without commands, and shortened.
GUIDE = {
    "dump": (
        "full",
        "dump",
        """\
pg_dump: warning: there are circular foreign-key constraints on this table:
pg_dump: hypertable
pg_dump: You might not be able to restore the dump without using --disable-triggers or \
temporarily dropping the constraints.
pg_dump: Consider using a full dump instead of a --data-only dump to avoid this problem.
pg_dump: NOTICE:  hypertable data are in the chunks, no data will be copied
DETAIL:  Data for hypertables are stored in the chunks of a hypertable so COPY TO of a hypertable \
will not copy any data.
HINT:  Use "COPY (SELECT * FROM <hypertable>) TO ..." to copy all data in hypertable, or copy each \
chunk individually.
""",
        ["catalog-circle", "hypertable-in-chunks"],
    ),
    "full restore": (
        "full",
        "pre-data",
        """\
pg_restore: creating EXTENSION "timescaledb"
pg_restore: creating COMMENT "EXTENSION timescaledb"
pg_restore: while PROCESSING TOC:
pg_restore: from TOC entry 6239; 0 0 COMMENT EXTENSION timescaledb\x20
pg_restore: error: could not execute query: ERROR:  must be owner of extension timescaledb
pg_restore: WARNING:  no privileges were granted for "pg_stat_statements"
pg_restore: warning: errors ignored on restore: 1
""",
        ["ext-owner", "no-privileges", "error-sum"],
    ),
    "pre-data": (
        "split",
        "pre-data",
        """\
pg_restore: from TOC entry 300; 1259 17000 VIEW hourly postgres
pg_restore: error: could not execute query: ERROR:  relation \
"_timescaledb_internal._materialized_hypertable_5" does not exist
Command was: CREATE VIEW metrics.hourly AS
 SELECT * FROM _timescaledb_internal._materialized_hypertable_5;


pg_restore: warning: errors ignored on restore: 1
""",
        ["mat-hypertable", "error-sum"],
    ),
    "post-data": (
        "split",
        "post-data",
        """\
pg_restore: from TOC entry 9; 1259 3 INDEX t_time_idx postgres
pg_restore: error: could not execute query: ERROR:  relation "t_time_idx" already exists
Command was: CREATE INDEX t_time_idx ON public.t USING btree ("time" DESC);


pg_restore: from TOC entry 10; 2620 4 TRIGGER t ts_insert_blocker postgres
pg_restore: error: could not execute query: ERROR:  trigger "ts_insert_blocker" for relation "t" \
already exists
Command was: CREATE TRIGGER ts_insert_blocker BEFORE INSERT ON public.t FOR EACH ROW EXECUTE \
FUNCTION _timescaledb_functions.insert_blocker();


pg_restore: warning: errors ignored on restore: 2
""",
        ["index-exists", "own-trigger-exists", "error-sum"],
    ),
}


@pytest.mark.parametrize("part", GUIDE)
async def test_the_guides_own_list_is_explained_once_proven(part: str) -> None:
    method, phase, text, rules = GUIDE[part]
    tally = VerdictTally()
    judged = [
        tally.add(await prove(one, FixedProver(answer=True))) for one in judge(text, method, phase)
    ]
    assert [one.rule for one in judged] == rules
    assert tally.worst.explained


@pytest.mark.parametrize("part", ["full restore", "pre-data", "post-data"])
async def test_the_guides_own_list_needs_a_look_when_a_proof_fails(part: str) -> None:
    method, phase, text, _ = GUIDE[part]
    tally = VerdictTally()
    for one in judge(text, method, phase):
        tally.add(await prove(one, FixedProver(answer=False)))
    assert tally.worst is Verdict.LOOK
    assert tally.verdicts[Verdict.SAFE] == 0


def test_a_log_alone_says_what_could_not_be_checked() -> None:
    judged = judge(GUIDE["full restore"][2])[0]
    assert judged.verdict is Verdict.LOOK
    assert judged.proof_state is ProofState.NOT_POSSIBLE
    assert judged.reason == (
        "Safe if the extension timescaledb exists on the target; this could not be checked."
    )
    assert judged.todo == "Check that the extension timescaledb exists on the target."


def test_without_method_and_phase_it_says_where_it_would_be_harmless() -> None:
    judged = judge(GUIDE["post-data"][2])[0]
    assert judged.verdict is Verdict.LOOK
    assert judged.reason.startswith("This is safe in the split method, the phase post-data, but")


@pytest.mark.parametrize(
    "text",
    [
        "pg_restore: error: could not execute query: ERROR:  something new\n",
        "pg_restore: WARNING:  something new\n",
        "pg_dump: warning: something new\n",
        "pg_restore: Fehler: etwas Neues\n",
        "pg_restore: klaida: kažkas naujo\n",
        "KLAIDA:  kažkas naujo\n",
        "pg_restore: [Archivierer (DB)] etwas Neues\n",
        "FEHLER:  etwas Neues\n",
        "pg_restore: NOTICE:  something failed\n",
        "bash: pg_dump: command not found\n",
        "Killed\n",
        "DETAIL:  the head is missing\n",
    ],
)
def test_what_no_rule_knows_needs_a_look(text: str) -> None:
    judged = judge(text, "full", "data")
    assert judged[0].verdict is Verdict.LOOK
    assert judged[0].rule == ""
    assert judged[0].reason


@pytest.mark.parametrize(
    "text",
    [
        'pg_restore: creating TABLE "public.failed_jobs"\n',
        "pg_restore: launching item 5 TABLE DATA error_log\n",
        "pg_dump: last built-in OID is 16383\n",
        "pg_dump: saving search_path =\n",
        "pg_restore: finished main parallel loop\n",
        'pg_restore: NOTICE:  extension "timescaledb" already exists, skipping\n',
        "COPY 432050\n",
        "CREATE TABLE\n",
        " timescaledb_post_restore \n",
        "\n",
    ],
)
def test_lines_of_tools_at_work_need_no_verdict(text: str) -> None:
    classifier = Classifier(None, "full", "data")
    items = [*classifier.feed(text), *classifier.close()]
    assert [type(item) for item in items] == [PlainLine]


def test_an_object_that_may_be_missing_is_named() -> None:
    text = failed("nobody knows this", "CREATE VIEW a.v AS\n SELECT 1;", "3; 1259 4 VIEW v me")
    assert judge(text)[0].reason == (
        "No rule matches this message; VIEW v may be missing on the target."
    )


def test_an_unknown_error_of_pg_dump_means_no_complete_dump() -> None:
    judged = judge("pg_dump: error: new\n")[0]
    assert judged.verdict is Verdict.LOST
    assert "the dump is incomplete" in judged.reason


def test_restore_without_its_sum_was_cut_off() -> None:
    text = failed(
        'unrecognized configuration parameter "transaction_timeout"', "SET transaction_timeout = 0;"
    )
    whole = judge(text, "full", "data")
    assert total(whole) is Verdict.SAFE
    assert whole[-1].reason == "Matches the one error above; it is explained."
    cut = judge(text.rpartition("pg_restore:")[0], "full", "data")
    assert cut[0].reason.startswith("The log is truncated")
    assert cut[-1].rule == "error-sum-missing"
    assert total(cut) is Verdict.LOOK


def test_sum_that_may_be_cut_is_not_believed() -> None:
    text = failed(
        'unrecognized configuration parameter "transaction_timeout"', "SET transaction_timeout = 0;"
    )
    assert total(judge(text.removesuffix("\n"), "full", "data")) is Verdict.LOOK


def test_errors_before_an_earlier_sum_do_not_count_again() -> None:
    text = failed(
        'unrecognized configuration parameter "transaction_timeout"', "SET transaction_timeout = 0;"
    )
    assert total(judge(text * 3, "full", "data")) is Verdict.SAFE


_LOOP = (
    "pg_restore: entering main parallel loop\n"
    + copy("a", "bad").replace("pg_restore: warning: errors ignored on restore: 1\n", "")
    + "pg_restore: finished main parallel loop\n"
    + "pg_restore: warning: errors ignored on restore: {}\n"
)


@pytest.mark.parametrize(("said", "fits"), [(1, False), (2, True), (3, False)])
def test_parallel_jobs_count_a_failed_entry_twice(said: int, fits: bool) -> None:
    last = judge(_LOOP.format(said), "full", "data")[-1]
    assert last.sum is not None
    assert last.sum.fits is fits


async def test_sum_line_is_safe_only_after_the_proofs() -> None:
    text = failed(
        "must be owner of extension x",
        "COMMENT ON EXTENSION x IS 'y';",
        "1; 0 0 COMMENT EXTENSION x me",
    )
    error, alone = judge(text, "full", "pre-data")
    assert alone.verdict is Verdict.LOOK
    for answer, verdict in ((True, Verdict.SAFE), (False, Verdict.LOOK), (None, Verdict.LOOK)):
        tally = VerdictTally()
        tally.add(await prove(error, FixedProver(answer=answer)))
        assert tally.add(alone).verdict is verdict
        assert tally.errors == 1


async def test_lost_rows_are_named_after_their_hypertable() -> None:
    prover = FixedProver(found=Origin("hypertable", "metrics.conditions", "one of its chunks"))
    judged = judge(copy("_hyper_1_5_chunk", "bad"), "full", "data")[0]
    assert (judged.relation, judged.object) == ("_hyper_1_5_chunk", "TABLE DATA _hyper_1_5_chunk")
    named = await prove(judged, prover)
    assert named.object == "hypertable metrics.conditions"
    assert named.reason.startswith(
        "The hypertable metrics.conditions lost rows: _hyper_1_5_chunk is one of its chunks. "
    )
    assert prover.asked == [("origin", {"schema": "", "relation": "_hyper_1_5_chunk"})]
    assert await prove(judged, FixedProver()) == judged


async def test_a_proof_gets_what_it_needs() -> None:
    prover = FixedProver(answer=True)
    await prove(judge(GUIDE["post-data"][2], "split", "post-data")[0], prover)
    assert prover.asked == [
        (
            "index-equal",
            {
                "index": "t_time_idx",
                "command": 'CREATE INDEX t_time_idx ON public.t USING btree ("time" DESC);',
            },
        )
    ]


def test_names_with_quotes_are_matched_with_their_commands() -> None:
    text = failed(
        'schema "Odd "x" schema" already exists',
        'CREATE SCHEMA "Odd ""x"" schema";',
        '7; 2615 1 SCHEMA Odd "x" schema me',
    )
    judged = judge(text, "full", "pre-data")[0]
    assert judged.if_proven is not None
    assert dict(judged.args) == {"schema": 'Odd "x" schema'}


def test_a_command_of_another_message_makes_nothing_harmless() -> None:
    text = failed("must be owner of extension x", "COMMENT ON EXTENSION other IS 'y';")
    assert judge(text, "full", "pre-data")[0].if_proven is None


def test_gravity() -> None:
    assert list(Verdict) == sorted(Verdict, key=lambda verdict: verdict.rank)
    assert worst_verdict([]) is Verdict.SAFE
    assert worst_verdict([Verdict.LATER, Verdict.LOST, Verdict.LOOK]) is Verdict.LOST


def test_a_message_is_given_out_when_the_next_line_shows_its_end() -> None:
    classifier = Classifier("pg_restore", "full", "data")
    assert classifier.feed('pg_restore: error: COPY failed for table "t": ERROR:  x') == []
    assert classifier.feed("CONTEXT:  COPY t, line 1") == []
    judged, line = classifier.feed('pg_restore: creating TABLE "public.t"')
    assert isinstance(judged, JudgedMessage)
    assert isinstance(line, PlainLine)
    assert (judged.number, line.number) == (1, 3)


def test_harmless_messages_that_are_alike_are_kept_once() -> None:
    """pg_dump prints a notice a chunk; errors are counted one by one."""
    notice = (
        "pg_dump: NOTICE:  hypertable data are in the chunks, no data will be copied",
        "DETAIL:  Data for hypertables are stored in the chunks of a hypertable so COPY TO of a "
        "hypertable will not copy any data.",
    )
    error = 'pg_restore: error: could not execute query: ERROR:  role "app" does not exist'
    judged = [
        *judge("".join(f"{line}\n" for line in notice * 5000), "full", "dump"),
        *judge(f"{error}\n" * 3, "full", "post-data"),
    ]
    kept = counted_once(judged)
    assert (kept[0].rule, kept[0].times) == ("hypertable-in-chunks", 5000)
    assert [j.times for j in kept[1:]] == [1] * len(judged[5000:])
    assert counted_once(kept) == kept
