"""Tables of an owner that has revoked privileges on them, and on their schema, from itself."""

from tests.support.cloudlike import ROLE

REVOKED_PRIVILEGES = (
    "CREATE TABLE public.archive (id int PRIMARY KEY)",
    "INSERT INTO public.archive SELECT generate_series(1, 1000)",
    f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON public.archive FROM {ROLE}",
    "CREATE SCHEMA closed",
    "CREATE TABLE closed.t (x int, y int)",
    "INSERT INTO closed.t VALUES (1, 1)",
    "CREATE INDEX by_y ON closed.t (y)",
    f"REVOKE CREATE ON SCHEMA closed FROM {ROLE}",
)
