"""Back up a database to a file, and restore it."""

import shutil
import subprocess
from pathlib import Path

import asyncpg

from ..kit.errors import StartupError
from . import privileges
from .logins import create_roles


def back_up(url: str, file: Path, *, programs: Path | None) -> None:
    """Write everything in the database to a new file that only its owner can read. `programs` is the folder with
    PostgreSQL's programs, or None to look on the PATH.

    Raise `StartupError` if the file exists or the dump fails.
    """
    try:
        file.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise StartupError(f"{file} cannot be created: {error.strerror}.") from error
    try:
        _run(_program("pg_dump", programs), "--format=custom", f"--file={file}", url)
    except BaseException:
        file.unlink()
        raise


async def restore(url: str, file: Path, *, programs: Path | None) -> None:
    """Restore a backup into an empty database, in one transaction. The roles that the backup's policies and grants name
    are created first, because a dump does not contain them.

    Raise `StartupError` if the database is not empty, or the file is not a backup.
    """
    connection = await asyncpg.connect(url, timeout=10)
    try:
        if await connection.fetchval("select exists (select from pg_tables where schemaname = 'public')"):
            raise StartupError("This database is not empty. Restore a backup into a new, empty database.")
        await create_roles(connection)
    finally:
        await connection.close()
    _run(_program("pg_restore", programs), "--no-owner", "--single-transaction", f"--dbname={url}", str(file))


async def check(url: str) -> None:
    """Raise `StartupError` if the database lacks roles, policies or grants."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        gaps = await privileges.find_gaps(connection)
    finally:
        await connection.close()
    if gaps:
        raise StartupError(
            f"The database lacks {len(gaps)} of the roles, policies and grants that Appoint needs, such as "
            f"“{gaps[0]}”. It was probably restored without Appoint's roles: restore the backup again, into an "
            "empty database, with `appoint restore`."
        )


def _program(name: str, folder: Path | None) -> str:
    program = str(folder / name) if folder else shutil.which(name)
    if not program:
        raise StartupError(f"There is no {name} on the PATH. Install PostgreSQL's client programs.")
    return program


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- fixed programs
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).strip().splitlines() or ["no error message"]
        raise StartupError(f"{Path(command[0]).name} failed: {lines[0]}") from error
