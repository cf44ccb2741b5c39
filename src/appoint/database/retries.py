"""Repeat work that failed because of other transactions, and report an unavailable database."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec, TypeVar

import asyncpg

from ..kit import errors
from .connector import AWAY

P = ParamSpec("P")
T = TypeVar("T")

MAX_ATTEMPTS: Final = 5
RETRYABLE: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
UNAVAILABLE: Final = (
    *AWAY,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.TooManyConnectionsError,
    asyncpg.PostgresIOError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)


async def with_retries(work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    for attempt in range(MAX_ATTEMPTS):
        try:
            return await work(*args, **kwargs)
        except RETRYABLE as error:
            if attempt == MAX_ATTEMPTS - 1:
                raise errors.Unavailable from error
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  jitter needs no secure randomness
        except UNAVAILABLE as error:
            raise errors.Unavailable from error
    raise AssertionError("unreachable")


async def once(work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work whose caller decides what to do after a deadlock or a lock timeout."""
    try:
        return await work(*args, **kwargs)
    except (*RETRYABLE, asyncpg.LockNotAvailableError):
        raise
    except UNAVAILABLE as error:
        raise errors.Unavailable from error
