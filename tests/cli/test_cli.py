"""Command line: what starts, what stops, and what it says when it cannot."""

import asyncio
import json
import signal
import socket
import stat
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import httpx2
import pytest

from appoint.cli import database, documents, main, maintenance
from appoint.database import dump, migrate
from appoint.server import logs
from appoint.settings import Settings
from support.database import temporary
from support.embedded_servers import folder, postgres_processes, query
from support.processes import appoint, eventually

COMMANDS = [
    ["run"],
    ["serve"],
    ["worker"],
    ["migrate"],
    ["demo"],
    ["slots", "generate"],
    ["numbers", "rebuild"],
    ["user", "add"],
    ["user", "invite"],
    ["user", "reset"],
    ["user", "list"],
    ["settings"],
    ["schema"],
    ["openapi"],
    ["mock"],
    ["psql"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as left:
        main.app([*command, "--help"])
    said = capsys.readouterr().out
    assert (
        left.value.code,
        said.startswith(f"Usage: appoint {' '.join(command)}"),
        len(said.split("\n\n")[1]) > 20,
    ) == (0, True, True)


@pytest.fixture
def home() -> Iterator[Path]:
    with folder() as path:
        yield path / "data"


@pytest.fixture
def strange(server_url, worker_id) -> Iterator[str]:
    """A database that Appoint has not seen."""
    with temporary(server_url, f"strange_{worker_id}", migrated=False) as url:
        yield url


@pytest.fixture
def refusal(monkeypatch, capsys) -> Callable[..., str]:
    """The one sentence that a command ends with."""

    def refusal(*arguments: str, **settings: object) -> str:
        monkeypatch.setattr(sys, "argv", ["appoint", *arguments])
        monkeypatch.setattr(logs, "configure", lambda _: None)
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        for name, value in settings.items():
            monkeypatch.setenv(f"APPOINT_{name.upper()}", str(value))
        with pytest.raises(SystemExit) as left:
            main.main()
        said = capsys.readouterr().err
        assert (left.value.code, said.count("\n")) == (1, 1), said
        return said

    return refusal


def test_a_port_in_use_is_said_before_anything_starts(home, refusal):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal("run", port=port, data_dir=home)
    assert f"port {port}: Address already in use" in said
    assert not home.exists()


@pytest.mark.parametrize("command", ["run", "serve", "worker", "migrate"])
def test_a_database_out_of_reach_is_named_without_its_password(command, home, refusal):
    said = refusal(command, database_url="postgresql://ann:secret@127.0.0.1:1/appoint", data_dir=home)
    assert "The database at 127.0.0.1:1 cannot be used: " in said
    assert "secret" not in said


@contextmanager
def server_that_claims(version: str) -> Iterator[str]:
    """A PostgreSQL as far as its greeting."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!I", len(body) + 4) + body

    greeting = (
        message(b"R", struct.pack("!I", 0))
        + message(b"S", b"server_version\0" + version.encode() + b"\0")
        + message(b"Z", b"I")
    )

    def greet(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(10_000)
            connection.sendall(greeting)
            connection.recv(10_000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=greet, args=(server,), daemon=True).start()
        yield f"postgresql://ann@127.0.0.1:{server.getsockname()[1]}/appoint?sslmode=disable"


@pytest.mark.parametrize("command", ["run", "serve", "worker", "migrate"])
def test_an_older_postgresql_is_refused_with_the_reason(command, home, refusal):
    with server_that_claims("17.6") as url:
        said = refusal(command, database_url=url, data_dir=home)
    assert "PostgreSQL 17. Appoint needs 18 or newer: temporal constraints" in said


@pytest.mark.parametrize("command", ["run", "serve", "worker", "migrate"])
def test_a_data_directory_that_cannot_be_is_said(command, refusal):
    assert "The data directory /dev/null/data cannot be used: Not a directory" in refusal(
        command, data_dir="/dev/null/data"
    )


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_database_without_our_schema_is_not_served(command, strange, home, refusal):
    assert "Run `appoint migrate` first" in refusal(command, database_url=strange, data_dir=home)


@pytest.mark.parametrize(("name", "value"), [("port", 70_000), ("workers", 0), ("log_level", "loud")])
def test_a_setting_that_is_wrong_is_named(name, value, refusal):
    assert f"appoint: APPOINT_{name.upper()}: " in refusal("settings", **{name: value})


@pytest.mark.parametrize("command", ["run", "serve", "worker"])
@pytest.mark.parametrize(
    ("missing", "given"),
    [
        (
            "APPOINT_PUBLIC_URL",
            {"mode": "production", "smtp_url": "smtp://127.0.0.1:1", "mail_from": "desk@lakeside.example"},
        ),
        (
            "APPOINT_MAIL_FROM",
            {"mode": "production", "smtp_url": "smtp://127.0.0.1:1", "public_url": "https://appoint.example"},
        ),
        ("APPOINT_SMTP_URL", {"smtp_url": "nonsense"}),
        ("APPOINT_BROKER_URL", {"broker_url": "nonsense"}),
    ],
)
def test_a_provider_that_could_not_work_is_refused_at_start(command, missing, given, home, refusal):
    assert missing in refusal(command, data_dir=home, **given)


def test_settings_are_listed_without_secrets(monkeypatch, capsys):
    for name in ("DATABASE_URL", "CACHE_URL", "ADMIN_TOKEN"):
        monkeypatch.setenv(f"APPOINT_{name}", "a-secret")
    monkeypatch.setenv("APPOINT_CORS_ORIGINS", "https://a.example, https://b.example")
    documents.settings(as_json=True)
    as_json = capsys.readouterr().out
    documents.settings()
    table = capsys.readouterr().out
    rows = {row["variable"]: row for row in json.loads(as_json)}
    assert list(rows) == [f"APPOINT_{name.upper()}" for name in Settings.model_fields]
    assert rows["APPOINT_CORS_ORIGINS"]["value"] == "https://a.example, https://b.example"
    assert all(row["meaning"] for row in rows.values())
    assert "a-secret" not in as_json + table
    assert all(name in table for name in rows)


def test_the_schema_on_file_is_what_the_migrations_make(monkeypatch, tmp_path):
    made = dump.schema()
    assert made == dump.FILE.read_text(), "run `appoint schema`"
    (tmp_path / "schema.sql").write_text(made.replace("horizon_days", "horizon"))
    monkeypatch.setattr(dump, "FILE", tmp_path / "schema.sql")
    monkeypatch.setattr(dump, "schema", lambda: made)
    with pytest.raises(Exception, match="differs from the schema that the migrations create"):
        database.schema(check=True)
    database.schema()
    database.schema(check=True)


# run


def running(home: Path):
    return appoint("run", data_dir=home, admin_token=None)


@pytest.fixture(scope="module")
def lived_in() -> Iterator[Path]:
    """A data directory from a start before."""
    with folder() as path:
        with running(path / "data") as process:
            assert process.url
        yield path / "data"


def test_the_first_start_makes_everything_and_later_ones_find_it(home):
    with running(home) as first:
        url = first.url
        token = (home / "admin-token").read_text().strip()
        assert eventually(lambda: httpx2.get(url + "/readyz").status_code == 200)
        assert len(httpx2.get(url + "/api/clinics").json()["items"]) == 3
        assert httpx2.get(url + "/api/customers", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        with appoint("psql", "-Atc", "select 40 + 2", data_dir=home) as psql:  # beside it
            assert (psql.popen.wait(60), psql.reader.join(), psql.said) == (0, None, "42")
        assert first.stop(signal.SIGINT) == 0, first.said
    assert first.said.count(token) == 1
    assert stat.S_IMODE((home / "admin-token").stat().st_mode) == 0o600
    assert postgres_processes(home) == []
    with running(home) as second:
        assert len(httpx2.get(second.url + "/api/clinics").json()["items"]) == 3
        second.stop(signal.SIGINT)
    assert token not in second.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_when_it_is_told_to_stop(lived_in, number):
    with running(lived_in) as process:
        assert process.url
        assert process.stop(number) == 0, process.said
    assert postgres_processes(lived_in) == []


def test_it_can_be_stopped_while_it_starts(home):
    with running(home) as process:
        eventually(lambda: process.lines)  # it makes the database
        process.stop(signal.SIGTERM)
    assert postgres_processes(home) == []
    with running(home) as process:
        assert len(httpx2.get(process.url + "/api/clinics").json()["items"]) == 3


def test_it_recovers_from_a_kill_of_everything(lived_in):
    token = (lived_in / "admin-token").read_text().strip()
    with running(lived_in) as process:
        lakeside = {"name": "Lakeside", "timeZone": "Europe/Berlin"}
        made = httpx2.post(process.url + "/api/clinics", json=lakeside, headers={"Authorization": f"Bearer {token}"})
        process.stop(signal.SIGKILL)
    for postgres in postgres_processes(lived_in):
        postgres.kill()
    with running(lived_in) as process:
        assert httpx2.get(process.url + made.headers["Location"]).json() == made.json()


def test_a_database_that_was_there_gets_no_demo_world(strange, home):
    with appoint("run", database_url=strange, data_dir=home) as process:
        assert httpx2.get(process.url + "/api/clinics").json()["items"] == []


def test_a_database_is_migrated_once_however_often_it_is_asked_for(strange):
    with appoint("migrate", database_url=strange) as one, appoint("migrate", database_url=strange) as two:
        assert [process.popen.wait(60) for process in (one, two)] == [0, 0], one.said + two.said


def test_slots_are_generated_by_hand(strange, monkeypatch, capsys, refusal):
    asyncio.run(migrate.upgrade(strange))
    query(strange, "insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')")
    monkeypatch.setenv("APPOINT_DATABASE_URL", strange)
    maintenance.generate(clinic=1, first=date(2027, 3, 1), last=date(2027, 3, 7))
    assert capsys.readouterr().err == "Published 0 new slots; 0 schedule lines added nothing new.\n"
    assert "There is no clinic 2." in refusal(
        "slots", "generate", "--clinic", "2", "--from", "2027-03-01", "--to", "2027-03-07"
    )
    assert "#/to must not be before “from”" in refusal(
        "slots", "generate", "--clinic", "1", "--from", "2027-03-02", "--to", "2027-03-01"
    )
