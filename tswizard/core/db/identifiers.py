"""Names and strings as SQL writes them."""

from psycopg import sql


def qualified(schema: str, name: str) -> str:
    """`"schema"."name"`, always quoted."""
    return sql.Identifier(schema, name).as_string(None)


def identifier(name: str) -> str:
    """`"name"`, always quoted."""
    return sql.Identifier(name).as_string(None)


def unquoted(name: str) -> str:
    """The name behind quote_ident's `name` or `"name"`."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def literal(text: str) -> str:
    """`'text'`, a string constant."""
    return sql.Literal(text).as_string(None)
