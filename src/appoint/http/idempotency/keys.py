"""Idempotent POSTs: a repeated request (same caller, key and body) gets the first request's result in its current
state. Bookings store their keys on their own rows instead.
"""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import msgspec

from ...database.pool import Database, Transaction
from ...kit import clock, errors
from ..request import Request, idempotency_key
from . import repository

T = TypeVar("T")
R = TypeVar("R")
KEY_TTL: Final = timedelta(hours=24)
"""How long a key identifies a request. After that, it counts as a new key."""


def digest(request: Request, data: Any) -> bytes:
    """Return a digest of the method, path and body. Repeated requests have the same digest."""
    return hashlib.sha256(
        msgspec.json.encode(
            [request.method, request.scope["path"], request.scope["query_string"].decode(), data], order="sorted"
        )
    ).digest()


async def idempotent(
    request: Request,
    data: Any,
    make: Callable[[Transaction], Awaitable[T]],
    *,
    remember: Callable[[T], Any],
    recall: Callable[[Transaction, Any], Awaitable[T]],
    clinic_id: int | None = None,
    key: str | None = None,
    db: Database | None = None,
) -> tuple[T, bool]:
    """Run `make` in a transaction, at most once per `Idempotency-Key`. Return its result and whether it is a replay.

    `remember` returns the part of the first result to store (such as an id), and `recall` loads the result from it. If
    two requests arrive concurrently, the second waits for the first. The key of a refused request is not stored,
    because the transaction is rolled back. After the transaction, the cache drops the given clinic's entries. Pages
    pass their own hexadecimal `key`, derived from the form. Raise `KeyReused` if the body differs.
    """

    async def run(work: Callable[[Transaction], Awaitable[R]]) -> R:
        return await ((db or request.db).atomic(work) if clinic_id is None else request.change(clinic_id, work))

    request_digest = bytes.fromhex(key) if key else digest(request, data)
    key = key or idempotency_key(request)
    if key is None:
        return await run(make), False
    caller = request.user.key

    async def work(tx: Transaction) -> tuple[T, bool]:
        if await repository.claim_key(tx, caller=caller, key=key, digest=request_digest, expiry=clock.now() - KEY_TTL):
            result = await make(tx)
            await repository.store_answer(
                tx, caller=caller, key=key, answer=msgspec.json.encode(remember(result)).decode()
            )
            return result, False
        earlier = await repository.find_earlier_request(tx, caller=caller, key=key)
        if earlier is None or earlier.digest != request_digest:
            raise errors.KeyReused
        return await recall(tx, msgspec.json.decode(earlier.answer)), True

    return await run(work)
