"""Embedded servers for a single test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from appoint.database.embedded import Server

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run processes as another user")


def query(url: str, *statements: str) -> Any:
    """Run the statements, and return the value that the last one returns."""
    return [rows[0][0] if rows else None for rows in (fetch(url, statement) for statement in statements)][-1]


def fetch(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows that the statement returns."""

    async def run() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(run())


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder that other accounts can reach, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix="appoint test "))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def postgres_processes(data_dir: Path) -> list[psutil.Process]:
    data = str((data_dir / "postgres").resolve())
    return [
        process
        for process in psutil.process_iter(["name", "cwd", "status"])
        if process.info["name"] == "postgres"
        and process.info["cwd"] == data
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def postgres_accounts(data_dir: Path) -> set[str]:
    """Return the accounts that the server's processes run under, some of which may have ended in the meantime."""
    accounts: set[str] = set()
    for process in postgres_processes(data_dir):
        with suppress(psutil.NoSuchProcess):
            accounts.add(process.username())
    return accounts


def postmaster(data_dir: Path) -> psutil.Process:
    return psutil.Process(int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0]))


def socket_folder(server: Server) -> Path:
    return Path(server.url.split("host=")[1].split("&")[0].replace("%2F", "/"))
