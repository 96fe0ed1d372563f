"""Roles to be created."""

from tswizard.core.catalog.roles import role_statements


def test_roles_are_created_without_login_and_password() -> None:
    assert role_statements(['my "role"', "ops"]) == (
        'CREATE ROLE "my ""role""" NOLOGIN;',
        'CREATE ROLE "ops" NOLOGIN;',
    )


def test_owners_of_jobs_have_to_log_in() -> None:
    assert role_statements(["ops", "reader"], {"ops"}) == (
        'CREATE ROLE "ops" LOGIN;',
        'CREATE ROLE "reader" NOLOGIN;',
    )
