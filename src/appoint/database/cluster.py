"""One PostgreSQL server and its data: start it, stop it, and find the running process.

Access: the server does not listen on the network, only on a socket in a folder with mode 0700, so only its own account
and root can open it. Both can read the data files anyway. A password would not protect anything, and its file would be
one more secret to lose, so authentication is `trust`. If root starts the server, authentication is `peer` instead,
because other programs may share the server's account.
"""

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import psutil

from ..kit.errors import StartupError

LOG_LIMIT = 10_000_000  # bytes; a longer log is truncated at the next start
START_SECONDS = 300  # recovery after a crash takes seconds, or longer on a slow disk
STOP_SECONDS = 60
SHARED_ACCOUNTS = frozenset({"nobody"})
"""Accounts that other programs on the machine also run as."""

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_wal_size": "2GB",
    # If backups cannot be stored for a long time, give up on them rather than fill the disk.
    "max_slot_wal_keep_size": "8GB",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Log only messages about the server itself. Statement errors go to the client; in the log, they would expose
    # people's names.
    "log_min_messages": "log",
}
if sys.platform == "linux":
    # By default, each of about a thousand files is synced separately after a crash, which takes seconds on an ordinary
    # disk.
    SETTINGS["recovery_init_sync_method"] = "syncfs"
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

LOGINS = """
alter role appoint createrole;
select 'create role appoint_backup login replication'
 where not exists (select from pg_roles where rolname = 'appoint_backup') \\gexec
"""
"""Only the superuser can do this. Data created by earlier versions has an owner without CREATEROLE, and no login for
backups."""


class NotStarted(StartupError):
    """The embedded server is unavailable. The message says why and what to do about it."""


@dataclass(frozen=True)
class SystemAccount:
    """The account that the server runs as: the current one, unless the current one is root."""

    uid: int
    gid: int

    def run(
        self, *command: str | Path, stdin: str | None = None, stdout: int = subprocess.PIPE
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this account with a minimal environment, in its own session so that Ctrl-C does not reach
        the server."""
        root = os.geteuid() == 0
        return subprocess.run(  # noqa: S603 -- the wheel's programs and /bin/sh, with fixed arguments
            command,
            check=False,
            text=True,
            errors="replace",
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            start_new_session=True,
            umask=0o077,
            user=self.uid if root else None,
            group=self.gid if root else None,
            extra_groups=[] if root else None,
        )

    def reaches(self, path: Path) -> bool:
        """Return whether the account can enter the folder. File modes alone are not enough to tell, so try it."""
        return self.run("/bin/sh", "-c", 'test -x "$0"', path).returncode == 0


@dataclass(frozen=True)
class Cluster:
    data: Path
    log: Path
    binaries: Path
    program: Path
    """The server itself."""
    account: SystemAccount
    relocated: bool
    settings: Mapping[str, str]

    @property
    def socket_folder(self) -> Path:
        """Return a path that is the same for every process. This rules out XDG_RUNTIME_DIR, which belongs to one login
        and disappears with it. The path is short, because a socket's path is limited to 107 bytes."""
        return Path(f"/tmp/appoint-{self.account.uid}-{digest(self.data)}")  # noqa: S108 -- checked before use

    @property
    def url(self) -> str:
        """The URL for the tables' owner."""
        return self.url_of("appoint")

    def url_of(self, login: str) -> str:
        return f"postgresql://{login}@/appoint?host={quote(str(self.socket_folder), safe='')}&port=5432"

    def postmaster(self) -> psutil.Process | None:
        """Return the running server that uses this data. The process id in `postmaster.pid` is not enough by itself:
        after a crash it may belong to another program or to a zombie."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if _works_on(self.data, process) else None

    def start(self) -> None:
        """Start the server, and return once it accepts connections. If it does not start, raise `NotStarted` with the
        end of its log.
        """
        self._make_socket_folder()
        if os.geteuid() == 0:
            self._restrict_logins()
        settings = {**self.settings, "unix_socket_directories": self.socket_folder}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        with self._open_log() as log:
            if log.tell() > LOG_LIMIT:
                log.truncate(0)
            if os.geteuid() == 0:
                os.fchown(log.fileno(), self.account.uid, self.account.gid)
            began = os.fstat(log.fileno()).st_size
            start = [
                self.binaries / "pg_ctl",
                "start",
                "--silent",
                "--wait",
                f"--timeout={START_SECONDS}",
                "-p",
                self.program,
                "-D",
                self.data,
                "-o",
                options,
            ]
            if self.account.run(*start, stdout=log.fileno()).returncode == 0:
                psql = [self.binaries / "psql", "-qh", self.socket_folder, "-U", "postgres"]
                SystemAccount(os.geteuid(), os.getegid()).run(*psql, stdin=LOGINS, stdout=log.fileno())
                return
        self.stop()
        new_lines = self.log.read_bytes()[began:].decode(errors="replace").splitlines()
        raise NotStarted("\n".join([f"PostgreSQL did not start. The end of its log, {self.log}:", *new_lines[-15:]]))

    def stop(self) -> None:
        """Stop the server, and remove any processes and files that a killed server left behind."""
        if server := self.postmaster():
            with suppress(psutil.NoSuchProcess):
                server.send_signal(signal.SIGINT)  # fast shutdown: rolls back open transactions
        deadline = time.monotonic() + STOP_SECONDS
        while self.postmaster() and time.monotonic() < deadline:
            time.sleep(0.02)
        kill_all_at(self.data)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if self._socket_folder_is_ours():
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _open_log(self) -> BinaryIO:
        """Open the log so that only its owner can read it."""
        file = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.fchmod(file, 0o600)
        return os.fdopen(file, "ab")

    def _restrict_logins(self) -> None:
        """Let only root log in, plus the server's own account if no other program uses it."""
        names = {"root", _name_of(self.account.uid)} - SHARED_ACCOUNTS
        self._write_rules("pg_hba.conf", "local all all peer map=appoint\nlocal replication all peer map=appoint\n")
        self._write_rules("pg_ident.conf", "".join(f'appoint "{name}" all\n' for name in sorted(names)))

    def _write_rules(self, name: str, text: str) -> None:
        """Replace a file in the data directory, which belongs to the server's account. Never follow a link that the
        account has put there."""
        path = self.data / name
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        os.fchown(file, self.account.uid, self.account.gid)
        with os.fdopen(file, "w") as stream:
            stream.write(text)

    def _make_socket_folder(self) -> None:
        folder = self.socket_folder
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if not self._socket_folder_is_ours():
            raise NotStarted(f"{folder}, the folder for the database's socket, was created by another user. Remove it.")
        os.chown(folder, self.account.uid, self.account.gid)
        folder.chmod(0o700)

    def _socket_folder_is_ours(self) -> bool:
        """Return whether the folder belongs to the server's account. Any user could have created a folder or a link
        with that name in /tmp."""
        try:
            status = self.socket_folder.lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISDIR(status.st_mode) and status.st_uid in (self.account.uid, os.geteuid())


def _name_of(uid: int) -> str:
    """Return an account's name, or root's if the account has none, because access can only be given to names."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "root"


def _works_on(data: Path, process: psutil.Process) -> bool:
    """Return whether the process is one of PostgreSQL's programs and is using that data."""
    try:
        is_postgres = process.name() in ("postgres", "pg_ctl", "initdb") and process.status() != psutil.STATUS_ZOMBIE
        # a server's working directory is its data folder
        return is_postgres and (process.cwd() == str(data) or str(data) in process.cmdline())
    except psutil.Error:
        return False


def kill_all_at(data: Path) -> None:
    """Kill PostgreSQL's programs that use the data, including those that they start in the meantime."""
    while processes := [process for process in psutil.process_iter() if _works_on(data, process)]:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.02)


def digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
