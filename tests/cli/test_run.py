"""`appoint run` and `appoint migrate` as processes: first and later starts, shutdowns and kills."""

import signal
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import httpx2
import psutil
import pytest

from support.embedded_servers import folder, postgres_processes
from support.processes import appoint, eventually

pytestmark = pytest.mark.xdist_group("run")


def running(home: Path):
    """Run Appoint in its default mode."""
    return appoint("run", data_dir=home, admin_token=None, mode=None, rate_limits=None)


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory that does not exist yet."""
    with folder() as path:
        yield path / "data"


class FirstStart(NamedTuple):
    """A data directory, and the output and responses from its first start."""

    home: Path
    token: str
    output: str
    clinics: httpx2.Response
    customers: httpx2.Response
    mailbox: httpx2.Response
    psql: tuple[int, str]
    exit_code: int


@pytest.fixture(scope="module")
def first_start() -> Iterator[FirstStart]:
    """Start on a new data directory and stop with Ctrl-C. The tests share the data directory."""
    with folder() as path:
        home = path / "data"
        with running(home) as process:
            url = process.url
            token = (home / "admin-token").read_text().strip()
            assert eventually(lambda: httpx2.get(url + "/readyz").status_code == 200)
            clinics = httpx2.get(url + "/api/clinics")
            customers = httpx2.get(url + "/api/customers", headers={"Authorization": f"Bearer {token}"})
            mailbox = httpx2.get(url + "/dev/mailbox")
            with appoint("psql", "-Atc", "select 40 + 2", data_dir=home) as psql:
                code = psql.popen.wait(60)
                psql.reader.join()
            exit_code = process.stop(signal.SIGINT)
        yield FirstStart(home, token, process.output, clinics, customers, mailbox, (code, psql.output), exit_code)


def test_the_first_start_creates_everything_and_later_starts_reuse_it(first_start):
    assert first_start.exit_code == 0, first_start.output
    assert (len(first_start.clinics.json()["items"]), first_start.customers.status_code) == (3, 200)
    assert first_start.psql == (0, "42")  # works alongside a running server
    assert stat.S_IMODE((first_start.home / "admin-token").stat().st_mode) == 0o600
    assert postgres_processes(first_start.home) == []
    with running(first_start.home) as process:
        clinics = httpx2.get(process.url + "/api/clinics").json()["items"]
        process.stop(signal.SIGINT)
    assert clinics == first_start.clinics.json()["items"]
    assert first_start.token not in process.output


def test_run_uses_development_mode_by_default(first_start):
    assert first_start.mailbox.status_code == 200


def test_output_outside_a_terminal_shows_where_the_secrets_are_but_not_the_secrets(first_start):
    for name in ("admin-token", "demo-password"):
        assert str(first_start.home / name) in first_start.output
        assert (first_start.home / name).read_text().strip() not in first_start.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_no_process_remains_after_a_stop_signal(first_start, number):
    with running(first_start.home) as process:
        assert process.url
        assert process.stop(number) == 0, process.output
    assert postgres_processes(first_start.home) == []


def test_run_can_be_stopped_during_startup(home):
    with running(home) as process:
        eventually(lambda: process.lines)  # it is creating the database
        process.stop(signal.SIGTERM)
    assert postgres_processes(home) == []
    with running(home) as process:
        assert len(httpx2.get(process.url + "/api/clinics").json()["items"]) == 3


def test_run_recovers_after_all_processes_are_killed(first_start):
    home = first_start.home
    headers = {"Authorization": f"Bearer {first_start.token}"}
    with running(home) as process:
        clinic = {"name": "Lakeside", "timeZone": "Europe/Berlin"}
        created = httpx2.post(process.url + "/api/clinics", json=clinic, headers=headers)
        process.stop(signal.SIGKILL)
    for postgres in postgres_processes(home):
        with suppress(psutil.NoSuchProcess):  # it may have exited along with another process
            postgres.kill()
    with running(home) as process:
        assert httpx2.get(process.url + created.headers["Location"]).json() == created.json()


def test_an_existing_database_does_not_get_demo_data(empty_database, home):
    with appoint("run", database_url=empty_database, data_dir=home) as process:
        assert httpx2.get(process.url + "/api/clinics").json()["items"] == []


def test_concurrent_migrate_commands_migrate_once(empty_database):
    with (
        appoint("migrate", database_url=empty_database) as one,
        appoint("migrate", database_url=empty_database) as two,
    ):
        assert [process.popen.wait(60) for process in (one, two)] == [0, 0], one.output + two.output
