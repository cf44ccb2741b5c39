"""Demo worlds: a small one to explore and a large one for measurements. Loading the same world into empty databases on
the same day always gives identical data.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..database.encryption import service as encryption
from ..database.pool import connect
from ..database.rows import Row
from ..kit import clock
from ..kit.key_ring import NO_KEYS, KeyRing
from .large_world import large
from .small_world import small
from .writing import HasClinics, expect_no_clinics

__all__ = ["HasClinics", "large", "load", "small"]


async def load(
    database_url: str,
    *,
    size: Literal["small", "large"],
    say: Callable[[str], None],
    into_existing: bool = False,
    password: str | None = None,
    password_file: Path | None = None,
    now: datetime | None = None,
    keys: KeyRing = NO_KEYS,
) -> None:
    """Load a demo world into a migrated database, completely or not at all, without writing events. If a password is
    given, create accounts for staff, and tell `say` the password or, if `password_file` is given, which file contains
    it. If keys are given, encrypt notes and reasons at the end.

    Raise `HasClinics` if the database already has clinics, unless `into_existing` is set.
    """
    now = now or clock.now()
    connection = await asyncpg.connect(
        database_url,
        server_settings={"application_name": "appoint demo", "statement_timeout": "0"},
        record_class=Row,
    )
    try:
        if size == "small":
            addresses = await small(connection, now=now, into_existing=into_existing, password=password)
        else:
            if not into_existing:
                await expect_no_clinics(connection)  # before the first message
            say(
                "Loading 2 million appointments. This takes a few minutes. "
                "If it is interrupted, nothing is saved, and you can start again."
            )
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=Console(stderr=True)) as progress:
                addresses = await large(
                    connection, now=now, into_existing=into_existing, password=password, progress=progress
                )
            say("The large demo world has been loaded.")
        if keys.names:
            await _encrypt(database_url, keys)
        if addresses:
            hint = f"in {password_file}" if password_file else password
            say(f"The staff pages are at /staff. Sign in as {' or '.join(addresses)} with the password {hint}")
    finally:
        await connection.close()


async def _encrypt(database_url: str, keys: KeyRing) -> None:
    db = connect(database_url, size=1, wait_seconds=10, statement_seconds=600, keys=keys)
    try:
        await encryption.encrypt_all(db, decrypt=lambda _place, _id, _value: None)
    finally:
        await db.close()
