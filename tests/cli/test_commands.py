"""Commands show their help, list their settings and report operational errors."""

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appoint.cli import database, documents, processes
from appoint.database import dump, privileges
from appoint.settings import Settings

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
    ["user", "disable"],
    ["user", "enable"],
    ["user", "revoke-administrator"],
    ["user", "sign-out"],
    ["networks", "show"],
    ["networks", "set"],
    ["admin-token", "create"],
    ["admin-token", "list"],
    ["admin-token", "revoke"],
    ["setup-link"],
    ["settings"],
    ["schema"],
    ["openapi"],
    ["mock"],
    ["psql"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(command, help_of):
    text = help_of(*command)
    assert text.startswith(f"Usage: appoint {' '.join(command)}")
    assert len(text.split("\n\n")[1]) > 20


@pytest.fixture
def home(tmp_path) -> Path:
    """A data directory that does not exist yet."""
    return tmp_path / "data"


async def test_a_port_in_use_is_reported_before_anything_starts(home, error):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        message = await error("run", port=port, data_dir=home, database_url=None)
    assert f"port {port}: Address already in use" in message
    assert not home.exists()


@pytest.mark.parametrize("command", ["run", "serve", "worker", "migrate"])
async def test_an_unreachable_database_is_reported_without_its_password(command, home, error):
    message = await error(command, database_url="postgresql://ann:secret@127.0.0.1:1/appoint", data_dir=home)
    assert "The database at 127.0.0.1:1 cannot be used: " in message
    assert "secret" not in message


@contextmanager
def server_that_claims(version: str) -> Iterator[str]:
    """A server that greets clients like this version of PostgreSQL."""

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
async def test_an_older_postgresql_is_rejected_with_a_reason(command, home, error):
    with server_that_claims("17.6") as url:
        message = await error(command, database_url=url, data_dir=home)
    assert "PostgreSQL 17. Appoint needs 18 or newer: it relies on temporal constraints" in message


@pytest.mark.parametrize("command", ["run", "serve", "worker", "migrate"])
async def test_an_unusable_data_directory_is_reported(command, error):
    assert "The data directory /dev/null/data cannot be used: Not a directory" in await error(
        command, data_dir="/dev/null/data", database_url=None
    )


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_a_database_without_a_schema_is_not_served(command, empty_database, home, error):
    assert "Run `appoint migrate` first" in await error(command, database_url=empty_database, data_dir=home)


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", 70_000), ("workers", 0), ("log_level", "loud"), ("trusted_proxies", "proxy"), ("without_tls", "email")],
)
async def test_an_invalid_setting_is_reported_by_name(name, value, error):
    assert f"appoint: APPOINT_{name.upper()}: " in await error("settings", **{name: value})


@pytest.mark.parametrize("command", ["run", "serve", "worker"])
@pytest.mark.parametrize(
    ("variable", "changes"),
    [
        ("APPOINT_PUBLIC_URL", {"mode": "production"}),
        (
            "APPOINT_MAIL_FROM",
            {"mode": "production", "smtp_url": "smtp://127.0.0.1:1", "public_url": "https://appoint.example"},
        ),
        ("APPOINT_HOST", {"host": "192.0.2.7"}),
        ("APPOINT_SMTP_URL", {"smtp_url": "nonsense"}),
        ("APPOINT_BROKER_URL", {"broker_url": "nonsense"}),
    ],
)
async def test_incomplete_provider_settings_are_rejected_at_startup(command, variable, changes, home, error):
    assert variable in await error(command, data_dir=home, database_url=None, secret_key=None, **changes)


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_servers_and_workers_use_production_mode_by_default(command, home, error):
    message = await error(command, mode=None, data_dir=home, database_url=None)
    assert "Production mode refuses these settings: APPOINT_PUBLIC_URL is missing" in message
    assert not home.exists()


@pytest.mark.parametrize("terminal", [True, False])
def test_the_administrators_token_is_printed_only_on_a_terminal(terminal, tmp_path):
    printed: list[str] = []
    token = processes._token(Settings(data_dir=tmp_path), printed.append, secretly=not terminal)
    assert (token in printed[0], str(tmp_path / "admin-token") in printed[0]) == (terminal, True)
    processes._token(Settings(data_dir=tmp_path), printed.append, secretly=not terminal)
    assert len(printed) == 1


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
    assert max(map(len, table.splitlines())) <= 80


def test_the_checked_in_schema_and_privileges_match_the_migrations(monkeypatch, tmp_path):
    created = dump.dump()
    for file, text in created.files.items():
        assert text == file.read_text(), "run `appoint schema`"
    (tmp_path / "schema.sql").write_text(created.schema.replace("horizon_days", "horizon"))
    monkeypatch.setattr(dump, "FILE", tmp_path / "schema.sql")
    monkeypatch.setattr(privileges, "FILE", tmp_path / "privileges.txt")
    monkeypatch.setattr(dump, "dump", lambda: created)
    with pytest.raises(Exception, match="differs from what the migrations create"):
        database.schema(check=True)
    database.schema()
    database.schema(check=True)


async def test_a_command_generates_slots(db, run_command, error):
    await db.execute("insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')")

    def arguments(clinic: int, first: str, last: str) -> list[str]:
        return ["slots", "generate", "--clinic", str(clinic), "--from", first, "--to", last]

    outcome = await run_command(*arguments(1, "2027-03-01", "2027-03-07"))
    assert (outcome.code, outcome.errors) == (0, "Published 0 new slots; 0 schedule lines added nothing new.")
    assert "There is no clinic 2." in await error(*arguments(2, "2027-03-01", "2027-03-07"))
    assert "#/to must not be before “from”" in await error(*arguments(1, "2027-03-02", "2027-03-01"))
