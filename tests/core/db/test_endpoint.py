"""Endpoints: what counts, what stays secret, what children are given."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tswizard.core.db import endpoint as module
from tswizard.core.db.endpoint import (
    BadEndpoint,
    Endpoint,
    child_environment,
    passfile_line,
)
from tswizard.core.db.redact import redact


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No PG* variable, service file or socket of this machine plays into a test."""
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setattr(module, "_SOCKETS", (tmp_path / "sockets",))


def services(tmp_path: Path, text: str) -> None:
    (tmp_path / "services").write_text(text)


def test_a_url_and_its_parts_mean_the_same() -> None:
    url = Endpoint.parse("postgresql://me:s%40crt@127.0.0.1:5433/shop")
    parts = Endpoint.parse("host=127.0.0.1 port=5433 user=me dbname=shop password='s@crt'")
    assert url == parts
    assert url.password == "s@crt"
    assert url.label == "127.0.0.1:5433/shop"


def test_the_password_is_in_no_text() -> None:
    endpoint = Endpoint.parse("postgresql://me:s3cret@127.0.0.1/shop")
    assert "s3cret" not in repr(endpoint) + endpoint.conninfo + endpoint.label


@pytest.mark.parametrize("secret", ["scram_client_key", "scram_server_key"])
def test_other_secrets_are_left_out_of_the_conninfo(secret: str) -> None:
    endpoint = Endpoint.parse(f"host=127.0.0.1 dbname=shop {secret}=s3cret")
    assert "s3cret" not in endpoint.conninfo


def test_a_passphrase_of_a_key_is_refused_and_not_repeated(tmp_path: Path) -> None:
    services(tmp_path, "[mine]\nhost=db\nsslkey=/k\nsslpassword=hunter2\n")
    for text in ("host=db sslkey=/k sslpassword=hunter2", "service=mine"):
        with pytest.raises(BadEndpoint, match="key file without a passphrase") as refused:
            Endpoint.parse(text)
        assert "hunter2" not in str(refused.value)


def test_a_service_is_resolved_and_its_password_found(tmp_path: Path) -> None:
    services(tmp_path, "[shop]\nhost=127.0.0.1\nport=5499\ndbname=orders\npassword=s3cret\n")
    by_name = Endpoint.parse("shop")
    assert by_name == Endpoint.parse("service=shop")
    assert by_name.label == "127.0.0.1:5499/orders"
    assert by_name.password == "s3cret"
    assert by_name.get("service") == ""


def test_what_is_given_beats_the_service(tmp_path: Path) -> None:
    services(tmp_path, "[shop]\nhost=127.0.0.1\ndbname=orders\n")
    assert Endpoint.parse("service=shop dbname=other").get("dbname") == "other"


def test_an_unknown_service_stays_for_libpq_to_name() -> None:
    assert Endpoint.parse("nowhere").get("service") == "nowhere"


def test_variables_fill_the_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPASSWORD", "s3cret")
    endpoint = Endpoint.parse("dbname=shop")
    assert endpoint.host == "127.0.0.1"
    assert endpoint.password == "s3cret"


@pytest.mark.parametrize(
    ("given", "mode", "raised"),
    [
        ("host=db.example.com", "require", "prefer"),
        ("host=db.example.com sslmode=disable", "require", "disable"),
        ("host=db.example.com sslmode=verify-full", "verify-full", None),
        ("host=db.example.com sslrootcert=system", "verify-full", None),
        ("host=127.0.0.1,db.example.com", "require", "prefer"),
        ("hostaddr=192.0.2.1 host=localhost", "require", "prefer"),
        ("host=localhost", "", None),
        ("host=::1", "", None),
        ("host=/run/postgresql", "", None),
    ],
)
def test_tls_is_asked_for_beyond_this_machine(given: str, mode: str, raised: str | None) -> None:
    endpoint = Endpoint.parse(f"{given} dbname=shop")
    assert endpoint.get("sslmode") == mode
    assert endpoint.raised_sslmode == raised


def test_a_typed_password_beats_a_named_passfile() -> None:
    endpoint = Endpoint.parse("host=127.0.0.1 dbname=shop passfile=/old/pgpass")
    assert endpoint.get("passfile") == "/old/pgpass"
    assert endpoint.with_password("typed").get("passfile") == ""


def test_without_a_host_the_socket_that_is_there_is_named(tmp_path: Path) -> None:
    assert Endpoint.parse("dbname=shop port=5477").get("host") == ""
    (tmp_path / "sockets").mkdir()
    (tmp_path / "sockets" / ".s.PGSQL.5477").touch()
    assert Endpoint.parse("dbname=shop port=5477").get("host") == str(tmp_path / "sockets")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("postgresql://me:s3cret@host:1/db?nonsense=1", "postgresql://user"),
        ("host='open", "postgresql://user"),
        ("host=h sslmode=sometimes", "sometimes"),
    ],
)
def test_what_cannot_be_read_gets_one_clear_sentence(text: str, word: str) -> None:
    with pytest.raises(BadEndpoint) as caught:
        Endpoint.parse(text)
    assert word in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_children_get_no_secret_and_speak_english() -> None:
    env = {"PATH": "/bin", "PGPASSWORD": "s3cret", "PGSERVICE": "shop", "LC_ALL": "de_DE"}
    child = child_environment(env, "/run/passfile")
    assert "s3cret" not in child.values()
    assert child["LC_MESSAGES"] == "C"
    assert child["PGPASSFILE"] == "/run/passfile"
    assert {"PGSERVICE", "LC_ALL"}.isdisjoint(child)


def test_redaction_knows_both_spellings() -> None:
    endpoint = Endpoint.parse("postgresql://me:s%40crt@127.0.0.1/shop")
    shown = redact("tried s@crt, then postgresql://me:s%40crt@127.0.0.1/shop", [endpoint])
    assert "crt" not in shown


@given(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), min_size=1))
def test_a_passfile_line_is_read_back_by_libpqs_rules(password: str) -> None:
    """https://www.postgresql.org/docs/current/libpq-pgpass.html"""
    *_, field = passfile_line(password).removesuffix("\n").split(":", 4)
    read, escaped = "", False
    for letter in field:
        if not escaped and letter == "\\":
            escaped = True
            continue
        assert escaped or letter != ":"
        read, escaped = read + letter, False
    assert read == password
