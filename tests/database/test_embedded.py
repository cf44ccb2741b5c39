"""The embedded PostgreSQL is shared by processes, stops with the last one and recovers from kills."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from appoint.database import cluster, embedded
from support.embedded_servers import postgres_processes, postmaster, query, socket_folder
from support.processes import eventually

pytestmark = pytest.mark.xdist_group("embedded")

HOLD_UNTIL_STDIN_CLOSES = """
import json, sys
from pathlib import Path
from appoint.database import embedded
with embedded.running(Path(sys.argv[1]), durable=True) as server:
    print(json.dumps({"url": server.url, "fresh": server.fresh}), flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_process(data_dir: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """Start another Python process that keeps the server running until its standard input closes."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD_UNTIL_STDIN_CLOSES, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    try:
        yield child, json.loads(child.stdout.readline())
    finally:
        child.communicate()


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it may have exited along with another process
            process.kill()


def test_the_first_start_creates_the_database_and_later_starts_reuse_it(home: Path) -> None:
    with embedded.running(home / "data", durable=False) as first:
        query(first.url, "create table remaining ()")
    with embedded.running(home / "data", durable=False) as second:
        assert (first.fresh, second.fresh, query(second.url, "select to_regclass('remaining')::text")) == (
            True,
            False,
            "remaining",
        )


def test_the_server_stops_after_its_last_user_leaves(data_dir: Path) -> None:
    with embedded.running(data_dir, durable=False) as server:
        assert postgres_processes(data_dir)
    assert (postgres_processes(data_dir), socket_folder(server).exists()) == ([], False)


def test_two_processes_share_one_server_and_the_last_one_stops_it(data_dir: Path) -> None:
    with embedded.running(data_dir, durable=False) as own:
        server = postmaster(data_dir)
        with other_process(data_dir) as (_, other):
            assert other == {"url": own.url, "fresh": False}
        assert postmaster(data_dir) == server  # this process still uses it
    assert postgres_processes(data_dir) == []


def test_the_server_keeps_running_when_the_process_that_started_it_leaves_first(data_dir: Path) -> None:
    with other_process(data_dir) as (starter, _), embedded.running(data_dir) as server:
        starter.communicate()
        assert query(server.url, "select 1") == 1
    assert postgres_processes(data_dir) == []


@pytest.mark.parametrize("victims", ["client", "server", "all", "all but one child of the server"])
def test_committed_rows_survive_kill_9(data_dir: Path, victims: str) -> None:
    with other_process(data_dir) as (client, server):
        newest = query(server["url"], "insert into booked select coalesce(max(n), 0) + 1 from booked returning n")
        running = postgres_processes(data_dir)
        first = postmaster(data_dir)
        others = [process for process in running if process != first]
        if victims in ("client", "all"):
            client.kill()
        if victims in ("server", "all"):
            kill([first, *others])
        if victims == "all but one child of the server":
            client.kill()
            others[0].suspend()  # like a busy process, it does not notice that its parent has died
            kill([first, *others[1:]])
        client.kill()
    with embedded.running(data_dir) as server:
        assert query(server.url, "select max(n) from booked") == newest
    assert postgres_processes(data_dir) == []


def test_a_database_whose_creation_was_killed_is_created_again(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_UNTIL_STDIN_CLOSES, home / "data"], stdin=subprocess.PIPE
    ) as creator:
        eventually(lambda: list(home.glob("data/new-*/PG_VERSION")))
        creator.kill()  # but not its initdb
    with embedded.running(home / "data", durable=False) as server:
        assert (server.fresh, query(server.url, "select 1")) == (True, 1)


def test_a_server_that_dies_in_use_restarts_under_the_same_url(data_dir: Path) -> None:
    messages: list[str] = []
    with embedded.running(data_dir, say=messages.append) as server:
        kill(postgres_processes(data_dir))
        assert eventually(lambda: query(server.url, "select count(*) >= 0 from booked"))
    assert messages == ["The database server died; restarting it"]


def test_a_stale_postmaster_pid_that_belongs_to_another_process_is_ignored(data_dir: Path) -> None:
    with embedded.running(data_dir, durable=False):
        lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    owner = (data_dir / "postgres").stat().st_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "1000"], user=owner) as other:
        (data_dir / "postgres" / "postmaster.pid").write_text("\n".join([str(other.pid), *lines[1:]]))
        with embedded.running(data_dir, durable=False) as server:
            assert query(server.url, "select 1") == 1
        assert other.poll() is None
        other.kill()


def test_the_server_runs_in_its_own_session(data_dir: Path) -> None:
    """Otherwise, Ctrl-C in a terminal would reach it."""
    with embedded.running(data_dir, durable=False):
        assert os.getsid(postmaster(data_dir).pid) != os.getsid(0)


def test_a_long_path_with_spaces_and_umlauts_works(home: Path) -> None:
    data_dir = home / "Praxis für Zähne" / ("long " * 30).strip() / "データ"
    with embedded.running(data_dir, durable=False) as server:
        assert query(server.url, "select current_user || '@' || current_database()") == "appoint@appoint"
    assert len(str(data_dir)) > 150


def test_data_from_a_different_major_version_is_rejected(data_dir: Path) -> None:
    marker = data_dir / "postgres" / "PG_VERSION"
    marker.write_text("17\n")
    try:
        with (
            pytest.raises(cluster.NotStarted, match="was created by PostgreSQL 17; this is PostgreSQL 18"),
            embedded.running(data_dir),
        ):
            pass
    finally:
        marker.write_text("18\n")


def test_a_server_that_cannot_start_reports_the_reason(data_dir: Path) -> None:
    settings = data_dir / "postgres" / "postgresql.auto.conf"
    settings.write_text("no_such_setting = 1\n")
    try:
        with (
            pytest.raises(cluster.NotStarted, match='unrecognized configuration parameter "no_such_setting"'),
            embedded.running(data_dir),
        ):
            pass
    finally:
        settings.write_text("")
