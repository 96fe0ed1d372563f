"""Servers out of libpq's files; never a password."""

from pathlib import Path

from tswizard.wizard.known_servers import KnownServers, known_servers


def test_services_and_servers_are_offered_and_passwords_are_not(tmp_path: Path) -> None:
    (tmp_path / ".pg_service.conf").write_text("# mine\n[metrics]\nhost=a\n\n[cloud]\nport=1\n")
    (tmp_path / ".pgpass").write_text(
        "# a comment\n"
        "mst.example.com:20985:defaultdb:tsdbadmin:geh\\:eim\n"
        "*:5432:*:ada:geheim\n"
        "cloud.example.com:33412:*:tsdbadmin:geheim\n"
        "odd\\:host:5432:db:me:geheim\n"
        "mst.example.com:20985:defaultdb:tsdbadmin:geheim\n"
        "not a line\n"
    )
    found = known_servers({"HOME": str(tmp_path)})
    assert found.conninfos == (
        "service=metrics",
        "service=cloud",
        "postgresql://tsdbadmin@mst.example.com:20985/defaultdb",
        "host=odd:host port=5432 dbname=db user=me",
    )
    assert found.hosts == ("mst.example.com", "cloud.example.com", "odd:host")
    assert "geh" not in repr(found)


def test_files_that_the_environment_names_come_first(tmp_path: Path) -> None:
    (tmp_path / "services").write_text("[elsewhere]\n")
    (tmp_path / "passwords").write_bytes(b"\xff:5432:db:me:x\nhost:5432:db:me:x\n")
    environment = {
        "HOME": "/nonexistent",
        "PGSERVICEFILE": str(tmp_path / "services"),
        "PGPASSFILE": str(tmp_path / "passwords"),
    }
    assert known_servers(environment).conninfos[0] == "service=elsewhere"
    assert "host" in known_servers(environment).hosts


def test_no_files_offer_nothing() -> None:
    assert known_servers({"HOME": "/nonexistent"}) == KnownServers()
