"""Tables of contents of dumps, and single entries of one."""

from tswizard.core.dump.toc import POST, PRE, DumpEntry, Toc, parse_toc_lists

# As pg_restore 15 prints it (~ is a space at a line's end, where there is no owner): 30 is a
# continuous aggregate, 31 a view on it, 32 a materialized view on that.
VERBOSE = """;
; Archive created at 2026-11-24 19:56:51 UTC
;     Format: CUSTOM
;
; Selected TOC Entries:
;
90; 0 0 ENCODING - ENCODING~
4; 3079 16388 EXTENSION - timescaledb~
91; 0 0 COMMENT - EXTENSION timescaledb~
;	depends on: 4
17; 2615 17869 SCHEMA - my metrics tsdbadmin
20; 1259 18022 TABLE my metrics conditions tsdbadmin
;	depends on: 17
21; 1259 18023 TABLE my metrics sensors tsdbadmin
;	depends on: 17
22; 1259 18024 TABLE my metrics _hyper_1_1_chunk tsdbadmin
;	depends on: 17 20
23; 0 0 ACL my metrics TABLE conditions tsdbadmin
;	depends on: 20
30; 1259 26722 VIEW my metrics daily tsdbadmin
;	depends on: 4 20 17
31; 1259 26800 VIEW my metrics v_daily tsdbadmin
;	depends on: 30 17
32; 1259 26801 MATERIALIZED VIEW my metrics on view tsdbadmin
;	depends on: 31
33; 0 0 COMMENT my metrics VIEW daily tsdbadmin
;	depends on: 30
34; 1255 27000 FUNCTION my metrics count_daily() tsdbadmin
;	depends on: 30
40; 2606 18100 CONSTRAINT my metrics conditions conditions_pkey tsdbadmin
;	depends on: 20
41; 2606 18101 CONSTRAINT my metrics sensors sensors_pkey tsdbadmin
;	depends on: 21
42; 2606 18102 FK CONSTRAINT my metrics conditions conditions_sensor_fkey tsdbadmin
;	depends on: 20 21 41
43; 2620 18103 TRIGGER my metrics conditions ts_insert_blocker tsdbadmin
;	depends on: 20 4
44; 1259 18104 INDEX my metrics conditions_idx tsdbadmin
;	depends on: 20
45; 1259 18105 INDEX my metrics on view_idx tsdbadmin
;	depends on: 32
46; 2618 18106 REWRITE my metrics v_daily v_daily_ro tsdbadmin
;	depends on: 31
47; 0 0 COMMENT my metrics CONSTRAINT conditions_pkey ON conditions tsdbadmin
;	depends on: 40
48; 2606 18107 CONSTRAINT my metrics _hyper_1_1_chunk 1_1_conditions_pkey tsdbadmin
;	depends on: 22 40
49; 0 0 COMMENT my metrics CONSTRAINT 1_1_conditions_pkey ON _hyper_1_1_chunk tsdbadmin
;	depends on: 48
50; 0 26801 MATERIALIZED VIEW DATA my metrics on view tsdbadmin
;	depends on: 32 5312
""".replace("~", " ")


def listing(*ids: int) -> str:
    lines = {int(line.split(";")[0]): line for line in VERBOSE.splitlines() if line[0] != ";"}
    return "\n".join(lines[id] for id in (90, *ids))


def whole_toc() -> Toc:
    """Of `VERBOSE`, with its sections."""
    pre = listing(4, 91, 17, 20, 21, 22, 23, 30, 31, 32, 33, 34)
    return parse_toc_lists(VERBOSE, {PRE: pre, POST: listing(*range(40, 51))})


def entry(id: int, catalog: int, oid: int, kind: str, rest: str, *depends: int) -> DumpEntry:
    return DumpEntry(
        id=id,
        catalog=catalog,
        oid=oid,
        kind=kind,
        rest=rest,
        section=POST,
        depends_on=frozenset(depends),
    )


TABLE_A = entry(20, 1259, 16400, "TABLE", "public a owner")
TABLE_B = entry(21, 1259, 16403, "TABLE", "public b owner")
TRIGGER = entry(33, 2620, 4, "TRIGGER", "public a t owner", 20)
