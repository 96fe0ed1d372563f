"""Names and strings as SQL writes them."""

import re

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


def parted(identity: str) -> tuple[str, str] | None:
    """Schema and name, unquoted, of an identity like `s."Of it"` as the server prints it; None for
    what has another form."""
    found = _QUALIFIED.fullmatch(identity)
    return (unquoted(found[1]), unquoted(found[2])) if found else None


_PART = r'("(?:[^"]|"")+"|[^".]+)'
_QUALIFIED = re.compile(rf"{_PART}\.{_PART}")


def literal(text: str) -> str:
    """`'text'`, a string constant."""
    return sql.Literal(text).as_string(None)
