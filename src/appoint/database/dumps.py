"""Dump a database to a file, and restore it."""

import subprocess
from pathlib import Path

import asyncpg

from ..kit.errors import StartupError
from . import privileges
from .logins import create_roles
from .programs import find_program, without_password


def dump(url: str, file: Path, *, programs: Path | None) -> None:
    """Write everything in the database to a new file that only its owner can read. `programs` is the folder with
    PostgreSQL's programs, or None to look on the PATH.

    Raise `StartupError` if the file exists or the dump fails.
    """
    try:
        file.touch(mode=0o600, exist_ok=False)
    except OSError as error:
        raise StartupError(f"{file} cannot be created: {error.strerror}.") from error
    try:
        _run("pg_dump", url, "--format=custom", f"--file={file}", programs=programs)
    except BaseException:
        file.unlink()
        raise


async def restore(url: str, file: Path, *, programs: Path | None) -> None:
    """Restore a dump into an empty database, in one transaction. The roles that the dump's policies and grants name
    are created first, because the file does not contain them.

    Raise `StartupError` if the database is not empty, or the file is not a dump.
    """
    connection = await asyncpg.connect(url, timeout=10)
    try:
        if await connection.fetchval("select exists (select from pg_tables where schemaname = 'public')"):
            raise StartupError("This database is not empty. Restore a dump into a new, empty database.")
        await create_roles(connection)
    finally:
        await connection.close()
    _run("pg_restore", url, "--no-owner", "--single-transaction", str(file), programs=programs)


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
            f"“{gaps[0]}”. It was probably restored without Appoint's roles: restore the dump again, into an "
            "empty database, with `appoint restore-dump`."
        )


def _run(name: str, url: str, *arguments: str, programs: Path | None) -> None:
    address = without_password(url)
    command = [find_program(name, programs), *arguments, f"--dbname={address.url}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, env=address.environment)  # noqa: S603 -- fixed programs
    except subprocess.CalledProcessError as error:
        lines = str(error.stderr).strip().splitlines() or ["no error message"]
        raise StartupError(f"{name} failed: {lines[0]}") from error
