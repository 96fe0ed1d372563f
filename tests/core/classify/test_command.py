"""Where a command ends, and what it is about."""

import pytest

from tswizard.core.classify.command import Statements, Subject, belongs, subject


@pytest.mark.parametrize(
    ("command", "about"),
    [
        ("COMMENT ON EXTENSION timescaledb IS 'x';", ("COMMENT", None, "timescaledb", "")),
        ("COMMENT ON TABLE a.t IS 'x';", ("COMMENT", "a", "t", "")),
        ("CREATE INDEX i ON a.t USING btree (x);", ("INDEX", None, "i", "a.t")),
        (
            'CREATE UNIQUE INDEX "I" ON ONLY "A b"."T" USING btree (x);',
            ("INDEX", None, "I", '"A b"."T"'),
        ),
        ("CREATE VIEW a.v AS\n SELECT 1;", ("VIEW", "a", "v", "")),
        ("CREATE MATERIALIZED VIEW a.v AS SELECT 1;", ("MATERIALIZED VIEW", "a", "v", "")),
        ('CREATE TABLE "A"."b""c" (\n);', ("TABLE", "A", 'b"c', "")),
        (
            "CREATE TRIGGER g BEFORE INSERT ON a.t FOR EACH ROW EXECUTE FUNCTION f();",
            ("TRIGGER", None, "g", "a.t"),
        ),
        ("CREATE FUNCTION a.f(x integer) RETURNS integer", ("FUNCTION", "a", "f", "")),
        ("CREATE SCHEMA metrics;", ("SCHEMA", None, "metrics", "")),
        (
            "CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA p;",
            ("EXTENSION", None, "postgis", ""),
        ),
        ("GRANT SELECT ON TABLE a.t TO r;", ("ACL", "a", "t", "")),
        ("GRANT ALL ON SCHEMA public TO r;", ("ACL", None, "public", "")),
        ("REVOKE ALL ON FUNCTION a.f(x integer) FROM PUBLIC;", ("ACL", "a", "f", "")),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA m GRANT SELECT ON TABLES TO r;",
            ("DEFAULT ACL", None, "", ""),
        ),
        ("SELECT pg_catalog.setval('a.s', 3, true);", ("SEQUENCE SET", None, "a.s", "")),
        ("SET transaction_timeout = 0;", ("SESSION", None, "transaction_timeout", "")),
        ("COPY a.t (i) FROM stdin;", ("TABLE DATA", "a", "t", "")),
        (
            "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k PRIMARY KEY (i);",
            ("CONSTRAINT", None, "k", "a.t"),
        ),
        (
            "ALTER TABLE ONLY a.t\n    ADD CONSTRAINT k FOREIGN KEY (i) REFERENCES a.u(i);",
            ("FK CONSTRAINT", None, "k", "a.t"),
        ),
        ("ALTER TABLE a.t OWNER TO me;", ("OWNER", "a", "t", "")),
        ("ALTER TABLE a.t ENABLE ROW LEVEL SECURITY;", ("ROW SECURITY", "a", "t", "")),
        ("CREATE POLICY p ON a.t USING (true);", ("POLICY", None, "p", "a.t")),
        ("REFRESH MATERIALIZED VIEW a.v;", ("MATERIALIZED VIEW DATA", "a", "v", "")),
        ("VACUUM a.t;", None),
        ("", None),
    ],
)
def test_subject(command: str, about: tuple[str, str | None, str, str] | None) -> None:
    assert subject(command) == (None if about is None else Subject(*about))


@pytest.mark.parametrize(
    ("command", "kind", "tag", "fits"),
    [
        ("COMMENT ON EXTENSION x IS 'y';", "COMMENT", "EXTENSION x", True),
        ("COMMENT ON EXTENSION x IS 'y';", "COMMENT", "EXTENSION xy", False),
        ("COMMENT ON COLUMN a.t.c IS 'y';", "COMMENT", "COLUMN t.c", True),
        ("CREATE INDEX i ON a.t (x);", "INDEX", "i", True),
        ("CREATE INDEX i ON a.t (x);", "TABLE", "i", False),
        ("CREATE FUNCTION a.f(x integer)", "FUNCTION", "f(integer)", True),
        ("ALTER TABLE ONLY a.t ADD CONSTRAINT k UNIQUE (i);", "CONSTRAINT", "t k", True),
        ("ALTER TABLE ONLY a.t ADD CONSTRAINT k UNIQUE (i);", "CONSTRAINT", "t kk", False),
        ("SELECT pg_catalog.setval('a.s', 3, true);", "SEQUENCE SET", "s", True),
        ('SELECT pg_catalog.setval(\'"A"."s"\', 3, true);', "SEQUENCE SET", "s", True),
        ("ALTER TABLE a.t OWNER TO me;", "VIEW", "t", True),
        ("ALTER TABLE a.t OWNER TO me;", "VIEW", "u", False),
        ("GRANT a TO b;", "ACL", "TABLE t", True),
    ],
)
def test_belongs(command: str, kind: str, tag: str, fits: bool) -> None:
    about = subject(command)
    assert about is not None
    assert belongs(about, kind, tag) is fits


@pytest.mark.parametrize(
    ("lines", "following", "continues"),
    [
        (["CREATE SCHEMA a;"], "Killed", False),
        (["CREATE SCHEMA a;"], "", True),
        (["CREATE INDEX i ON t (x);", "", ""], "ALTER TABLE t CLUSTER ON i;", True),
        (["CREATE TABLE t ("], "    i integer", True),
        (["CREATE FUNCTION f() AS $$", "", "select ';';"], "anything at all", True),
        (["CREATE FUNCTION f() AS $$", "", "end $$;"], "anything at all", False),
        (["CREATE FUNCTION f() AS $body$", "$$;"], "anything", True),
        (["COMMENT ON TABLE t IS 'one", "two;"], "three", True),
        (["COMMENT ON TABLE t IS 'it''s", "done';"], "three", False),
        (["COMMENT ON TABLE t IS E'it\\'s;"], "still", True),
        (["SELECT 1; -- it's fine;"], "next", False),
        (["SELECT /* it's", "a; comment */ 1;"], "next", False),
        (['CREATE TABLE "a;', 'b" ();'], "next", False),
    ],
)
def test_where_a_command_ends(lines: list[str], following: str, continues: bool) -> None:
    statements = Statements()
    for line in lines:
        statements.add(line)
    assert statements.continues(following) is continues
