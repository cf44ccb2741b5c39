"""The database behind a pooler in transaction mode, such as PgBouncer.

There, a session belongs to one caller only for as long as a transaction lasts. So every statement runs in a
transaction, which begins by setting its role and timeouts: nothing that one caller sets can reach another. A single
statement costs three round trips instead of one.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from ..kit.key_ring import NO_KEYS, KeyRing
from .connector import Open, pooled_opening, session_settings
from .pool import SERVER, Database, Transaction
from .sql import Query

T = TypeVar("T")

OF_POOLER: Final = frozenset({"application_name", "role"})
"""Settings that transactions leave alone, or set separately: the pooler keeps the name, and the role comes first."""


class Pooled(Database):
    """A pool of connections to a pooler."""

    def __init__(
        self, connect: Open, *, size: int, wait_seconds: float, settings: str, keys: KeyRing = NO_KEYS
    ) -> None:
        super().__init__(connect, size=size, wait_seconds=wait_seconds, keys=keys)
        self._settings: Final = settings

    async def in_transaction(self, opening: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
        begin, _, rest = opening.partition(";")
        return await super().in_transaction(f"{begin}; {self._settings}; {rest}".rstrip("; "), work)

    async def _alone(self, method: str, sql: str | Query, args: tuple[Any, ...]) -> Any:
        return await self.in_transaction("begin", lambda tx: tx.run(method, sql, args))


def connect(
    url: str,
    *,
    size: int,
    wait_seconds: float,
    statement_seconds: float,
    lock_seconds: float,
    prepares: bool,
    role: str = SERVER,
    keys: KeyRing = NO_KEYS,
) -> Pooled:
    """Return a database behind a pooler, whose transactions have these timeouts and act as the role."""
    dial = pooled_opening(url, wait_seconds=wait_seconds, statement_seconds=statement_seconds, prepares=prepares)
    values = session_settings(None, statement_seconds, lock_seconds)
    local = [
        f"set local role {role}",
        *(f"set local {name} = '{values[name]}'" for name in values if name not in OF_POOLER),
    ]
    return Pooled(dial, size=size, wait_seconds=wait_seconds, settings="; ".join(local), keys=keys)
