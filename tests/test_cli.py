"""The command line: what starts, what stops, and what it says when it cannot."""

import json
import signal
import socket
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from appoint import cli
from appoint.database import dump
from appoint.settings import Settings
from processes import appoint, eventually
from test_embedded import folder, postgres_processes, query

COMMANDS = [["run"], ["serve"], ["worker"], ["migrate"], ["demo"], ["slots", "generate"], ["settings"], ["schema"], ["openapi"], ["mock"], ["psql"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as left:
        cli.app([*command, "--help"])
    said = capsys.readouterr().out
    assert (left.value.code, said.startswith(f"Usage: appoint {' '.join(command)}"), len(said.split("\n\n")[1]) > 20) == (0, True, True)


@pytest.fixture
def home() -> Iterator[Path]:
    with folder() as path:
        yield path / "data"


@pytest.fixture
def strange(server_url) -> Iterator[str]:
    """A database that Appoint has not seen."""
    url = server_url.replace("/appoint_", "/strange_")
    query(server_url, f"create database {url.split('/')[-1].split('?')[0]}")
    yield url
    query(server_url, f"drop database {url.split('/')[-1].split('?')[0]} with (force)")


def refusal(*arguments: str, **settings: object) -> str:
    """The one sentence that a command ends with."""
    with appoint(*arguments, **settings) as process:
        code = process.popen.wait(60)
        process.reader.join()
    assert (code, "Traceback" in process.said, len(process.lines)) == (1, False, 1), process.said
    return process.said


def test_a_port_in_use_is_said_before_anything_starts(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal("run", port=port, data_dir=home)
    assert f"port {port}: Address already in use" in said
    assert not home.exists()


@pytest.mark.parametrize("command", ["run", "serve", "worker", "migrate"])
def test_a_database_out_of_reach_is_named_without_its_password(command, home):
    said = refusal(command, database_url="postgresql://ann:secret@127.0.0.1:1/appoint", data_dir=home)
    assert "127.0.0.1, port 1, cannot be used: " in said
    assert "secret" not in said


@contextmanager
def server_that_claims(version: str) -> Iterator[str]:
    """A PostgreSQL as far as its greeting."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!I", len(body) + 4) + body

    greeting = message(b"R", struct.pack("!I", 0)) + message(b"S", b"server_version\0" + version.encode() + b"\0") + message(b"Z", b"I")

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
def test_an_older_postgresql_is_refused_with_the_reason(command, home):
    with server_that_claims("17.6") as url:
        said = refusal(command, database_url=url, data_dir=home)
    assert "PostgreSQL 17. Appoint needs 18 or newer: temporal constraints" in said


@pytest.mark.parametrize("command", ["run", "serve", "worker", "migrate"])
def test_a_data_directory_that_cannot_be_is_said(command):
    assert "The data directory /dev/null/data cannot be used: Not a directory" in refusal(command, data_dir="/dev/null/data")


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_database_without_our_schema_is_not_served(command, strange, home):
    assert "Run `appoint migrate` first" in refusal(command, database_url=strange, data_dir=home)


@pytest.mark.parametrize(("name", "value"), [("port", 70_000), ("workers", 0), ("log_level", "loud")])
def test_a_setting_that_is_wrong_is_named(name, value):
    assert f"appoint: APPOINT_{name.upper()}: " in refusal("settings", **{name: value})


def test_settings_are_listed_without_secrets(monkeypatch, capsys):
    for name in ("DATABASE_URL", "CACHE_URL", "ADMIN_TOKEN"):
        monkeypatch.setenv(f"APPOINT_{name}", "a-secret")
    monkeypatch.setenv("APPOINT_CORS_ORIGINS", "https://a.example, https://b.example")
    cli.settings(as_json=True)
    as_json = capsys.readouterr().out
    cli.settings()
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
    with pytest.raises(Exception, match="is not what the migrations make"):
        cli.schema(check=True)
    cli.schema()
    cli.schema(check=True)


# run


def running(home: Path):
    return appoint("run", data_dir=home, admin_token=None)


def test_the_first_start_makes_everything_and_later_ones_find_it(home):
    with running(home) as first:
        url = first.url
        token = (home / "admin-token").read_text().strip()
        assert eventually(lambda: httpx2.get(url + "/readyz").status_code == 200)
        assert len(httpx2.get(url + "/api/clinics").json()["items"]) == 3
        assert httpx2.get(url + "/api/customers", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert first.stop(signal.SIGINT) == 0, first.said
    assert first.said.count(token) == 1
    assert stat.S_IMODE((home / "admin-token").stat().st_mode) == 0o600
    assert postgres_processes(home) == []
    with running(home) as second:
        assert len(httpx2.get(second.url + "/api/clinics").json()["items"]) == 3
        second.stop(signal.SIGINT)
    assert token not in second.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_is_left_when_it_is_told_to_stop(home, number):
    home.mkdir(mode=0o711)
    with running(home) as process:
        httpx2.get(process.url + "/api/clinics")
        assert process.stop(number) == 0, process.said
    assert postgres_processes(home) == []


def test_it_can_be_stopped_while_it_starts(home):
    with running(home) as process:
        eventually(lambda: process.lines)  # it makes the database
        process.stop(signal.SIGTERM)
    assert postgres_processes(home) == []
    with running(home) as process:
        assert len(httpx2.get(process.url + "/api/clinics").json()["items"]) == 3


def test_it_recovers_from_a_kill(home):
    with running(home) as process:
        url = process.url
        made = httpx2.post(
            url + "/api/clinics",
            json={"name": "Lakeside", "timeZone": "Europe/Berlin"},
            headers={"Authorization": f"Bearer {(home / 'admin-token').read_text().strip()}"},
        )
        process.stop(signal.SIGKILL)
    for postgres in postgres_processes(home):
        postgres.kill()
    with running(home) as process:
        assert httpx2.get(process.url + made.headers["Location"]).json() == made.json()


def test_a_database_that_was_there_gets_no_demo_world(strange, home):
    with appoint("run", database_url=strange, data_dir=home) as process:
        assert httpx2.get(process.url + "/api/clinics").json()["items"] == []


def test_a_database_is_migrated_once_however_often_it_is_asked_for(strange):
    with appoint("migrate", database_url=strange) as one, appoint("migrate", database_url=strange) as two:
        assert [process.popen.wait(60) for process in (one, two)] == [0, 0], one.said + two.said


def test_slots_are_generated_by_hand(strange):
    with appoint("migrate", database_url=strange) as process:
        process.popen.wait()
    dates = ("--from", "2027-03-01", "--to", "2027-03-07")
    assert "There is no clinic 1." in refusal("slots", "generate", "--clinic", "1", *dates, database_url=strange)


def test_psql_opens_the_database_in_use(home):
    with appoint("psql", "-Atc", "select 40 + 2", data_dir=home) as process:
        code = process.popen.wait(60)
        process.reader.join()
    assert (code, process.lines[-1]) == (0, "42")
