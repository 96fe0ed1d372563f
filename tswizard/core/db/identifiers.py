"""Names as SQL wants them."""

from psycopg import sql


def qualified(schema: str, name: str) -> str:
    """`"schema"."name"`, quoted whatever the names hold."""
    return sql.Identifier(schema, name).as_string(None)
