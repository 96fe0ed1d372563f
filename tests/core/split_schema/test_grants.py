"""Grants that name a role which the target lacks."""

import pytest

from tswizard.core.split.schema.grants import (
    names_role,
    split_by_role,
    split_statements,
    statements_by_entry,
)

_SCRIPT = """--
-- TOC entry 5319 (class 0 OID 0)
-- Dependencies: 19
-- Name: SCHEMA app; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA app TO reporting;
GRANT ALL ON SCHEMA app TO ops;


--
-- TOC entry 5272 (class 3256 OID 18005)
-- Dependencies: 298 298
-- Name: secrets own_rows; Type: POLICY; Schema: app; Owner: -
--

CREATE POLICY own_rows ON app.secrets TO reporting USING ((note = 'ends here;
not there'::text));


-- Completed on 2026-11-24 20:00:00 UTC

--
-- PostgreSQL database dump complete
--

\\unrestrict abc
"""


def test_a_script_falls_into_its_entries() -> None:
    found = statements_by_entry(_SCRIPT)
    assert found[5319] == (
        "GRANT USAGE ON SCHEMA app TO reporting",
        "GRANT ALL ON SCHEMA app TO ops",
    )
    assert found[5272] == (
        "CREATE POLICY own_rows ON app.secrets TO reporting USING ((note = 'ends here;\n"
        "not there'::text))",
    )


def test_a_line_inside_quotes_ends_no_statement() -> None:
    assert split_statements('GRANT ALL ON TABLE "a;\n--b" TO x;\n') == (
        'GRANT ALL ON TABLE "a;\n--b" TO x',
    )


@pytest.mark.parametrize(
    ("statement", "role", "does"),
    [
        ("GRANT SELECT ON TABLE reporting TO ops", "reporting", False),
        ("GRANT SELECT ON TABLE t TO reporting", "reporting", True),
        ("GRANT SELECT ON TABLE t TO reporting WITH GRANT OPTION", "reporting", True),
        ("GRANT SELECT ON TABLE t TO reporting_2", "reporting", False),
        ('GRANT SELECT ON TABLE t TO "Odd ""Role"""', 'Odd "Role"', True),
        ("REVOKE ALL ON TABLE t FROM ops", "ops", True),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE ops IN SCHEMA s GRANT SELECT ON TABLES TO x",
            "ops",
            True,
        ),
        ("SET SESSION AUTHORIZATION ops", "ops", True),
        ("CREATE POLICY p ON t TO a, b, ops USING (true)", "ops", True),
        ("CREATE POLICY p ON t TO a USING (ops)", "ops", False),
    ],
)
def test_a_role_is_named_only_where_roles_stand(statement: str, role: str, does: bool) -> None:
    assert names_role(statement, role) is does


def test_others_keep_their_grants() -> None:
    found = split_by_role(statements_by_entry(_SCRIPT), {"reporting"})
    assert found.ids == {5319, 5272}
    assert found.applicable == (("GRANT ALL ON SCHEMA app TO ops",),)
    assert [text[:12] for text in found.pending] == ["GRANT USAGE ", "CREATE POLIC"]
    assert found.roles == ("reporting",)
