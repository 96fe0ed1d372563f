"""Roles to be created."""

from tswizard.core.catalog.roles import role_statements


def test_roles_are_created_without_login_and_password() -> None:
    assert role_statements(['my "role"', "ops"]) == (
        'CREATE ROLE "my ""role""" NOLOGIN;',
        'CREATE ROLE "ops" NOLOGIN;',
    )
