"""Embedded servers of a test's own."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil


def query(url: str, *statements: str) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return [await connection.fetchval(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(run())


@contextmanager
def folder() -> Iterator[Path]:
    """Unlike pytest's own temporary folders, one that other accounts can reach."""
    path = Path(tempfile.mkdtemp(prefix="appoint test "))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def postgres_processes(data_dir: Path) -> list[psutil.Process]:
    data = str((data_dir / "postgres").resolve())
    found = [
        process
        for process in psutil.process_iter(["name", "cwd", "status"])
        if process.info["name"] == "postgres" and process.info["cwd"] == data
    ]
    return [process for process in found if process.info["status"] != psutil.STATUS_ZOMBIE]
