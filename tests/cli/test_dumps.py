"""Dumps, restoring them, and the check that a database is complete."""

import asyncio
import os
from pathlib import Path

import pytest

from appoint.database import dumps, embedded
from appoint.kit.errors import StartupError
from support.database import SERVER_FOLDER, copy_template, drop, execute, temporary
from support.planted_violations import ERASED_BADLY


@pytest.fixture
def programs(server_url: str) -> Path:
    """The folder with the server's own versions of PostgreSQL's programs."""
    with embedded.running(Path(os.environ[SERVER_FOLDER]), durable=False, say=lambda _: None) as server:
        return server.binaries


def test_a_restored_dump_is_complete(server_url, worker_id, programs, tmp_path):
    file = tmp_path / "appoint.dump"
    with (
        temporary(server_url, f"original_{worker_id}") as original,
        temporary(server_url, f"restored_{worker_id}", migrated=False) as restored,
    ):
        asyncio.run(execute(original, "insert into clinic (name, time_zone) values ('Lakeside', 'Europe/Berlin')"))
        dumps.dump(original, file, programs=programs)
        assert file.stat().st_mode & 0o777 == 0o600
        asyncio.run(dumps.restore(restored, file, programs=programs))
        asyncio.run(dumps.check(restored))
        asyncio.run(execute(restored, "do $$ begin assert (select name from clinic) = 'Lakeside'; end $$"))
        with pytest.raises(StartupError, match="not empty"):
            asyncio.run(dumps.restore(restored, file, programs=programs))


async def test_checking_a_dump_restores_it_and_finds_what_violates_a_rule(
    run_command, server_url, worker_id, programs, tmp_path
):
    file, name = tmp_path / "appoint.dump", f"original_{worker_id}"
    url = await copy_template(server_url, name)
    for damage in (
        "alter table clinic drop constraint clinic_currency",
        "alter table customer drop constraint customer_erased",
        ERASED_BADLY.format(count=2),
    ):
        await execute(url, damage)
    await asyncio.to_thread(dumps.dump, url, file, programs=programs)
    await drop(url)
    outcome = await run_command("check-dump", str(file))
    assert outcome.code == 1
    assert "violated by customer.customer_erased, clinic.clinic_currency" in outcome.output
    assert "The platform, erased-customers: Nothing is left of erased customers" in outcome.output
    assert "Violations: 4." in outcome.errors


def test_a_dump_never_replaces_a_file(server_url, programs, tmp_path):
    file = tmp_path / "appoint.dump"
    file.write_text("the only dump")
    with pytest.raises(StartupError, match="cannot be created: File exists"):
        dumps.dump(server_url, file, programs=programs)
    assert file.read_text() == "the only dump"


def test_a_failed_dump_leaves_no_file(server_url, programs, tmp_path):
    file = tmp_path / "appoint.dump"
    with pytest.raises(StartupError, match="pg_dump failed"):
        dumps.dump(f"{server_url}_that_does_not_exist", file, programs=programs)
    assert not file.exists()


def test_a_file_that_is_not_a_dump_is_refused_and_changes_nothing(server_url, worker_id, programs, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not a dump")
    with temporary(server_url, f"restored_{worker_id}", migrated=False) as restored:
        with pytest.raises(StartupError, match="pg_restore failed"):
            asyncio.run(dumps.restore(restored, file, programs=programs))
        asyncio.run(execute(restored, "do $$ begin assert to_regclass('clinic') is null; end $$"))


@pytest.mark.parametrize(
    ("damage", "example"),
    [
        ("revoke select on clinic from appoint_server", "SELECT on clinic to appoint_server"),
        ("alter table patient disable row level security", "row security on patient"),
    ],
)
def test_a_server_does_not_start_on_a_database_without_its_privileges(server_url, worker_id, damage, example):
    with temporary(server_url, f"damaged_{worker_id}") as damaged:
        asyncio.run(dumps.check(damaged))
        asyncio.run(execute(damaged, damage))
        with pytest.raises(StartupError, match=f"lacks 1 of the roles, policies and grants .*“{example}”"):
            asyncio.run(dumps.check(damaged))


async def test_commands_dump_and_check_the_configured_database(run_command, tmp_path, monkeypatch, programs):
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert "The database is complete, at revision" in (await run_command("check-database")).errors
    outcome = await run_command("dump", str(tmp_path / "b.dump"))
    assert (outcome.code, outcome.errors) == (0, f"The dump is in {tmp_path / 'b.dump'}.")
    refused = await run_command("restore-dump", str(tmp_path / "b.dump"))
    assert (refused.code, refused.errors) == (
        1,
        "appoint: This database is not empty. Restore a dump into a new, empty database.",
    )
