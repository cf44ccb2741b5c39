"""The database connection for maintenance commands."""
# ruff: noqa: PLC0415

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any

from ..settings import Settings
from .output import echo


@contextmanager
def session() -> Generator[Callable[[Callable[[Any], Any]], Any]]:
    """Yield a function that runs `work(db)` on a migrated database."""
    from ..database.pool import ACROSS, connect
    from ..server import startup

    settings = Settings()
    keys = startup.read_keys(settings)
    with startup.database(settings, say=echo) as database:

        async def run(work: Callable[[Any], Any]) -> Any:
            await startup.expect_migrated(database)
            db = connect(database.url, size=1, wait_seconds=10, statement_seconds=600, role=ACROSS, keys=keys)
            try:
                return await work(db)
            finally:
                await db.close()

        yield lambda work: asyncio.run(run(work))


def run_use_case(action: str, use_case: Callable[..., Awaitable[Any]], **arguments: Any) -> Any:
    """Run a use case in a transaction, with the command line as the actor, and return its result. The audit log records
    it as `action`.
    """
    import msgspec

    from ..kit.actors import COMMAND_LINE

    actor = msgspec.structs.replace(COMMAND_LINE, operation=action)
    with session() as run:
        return run(lambda db: db.atomic(use_case, actor, **arguments))
