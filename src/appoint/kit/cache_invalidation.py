"""Cache invalidations between processes, over Redis. Imported only if Redis is configured."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from redis.exceptions import RedisError

from . import redis_client, tasks

log = structlog.get_logger()

CONNECTION_ERRORS: Final = (RedisError, OSError, TimeoutError, RuntimeError)
"""Errors that indicate a lost connection. uvloop raises `RuntimeError` when writing to a connection that Redis has just
closed."""

CHANNEL: Final = "appoint:changed"
TIMEOUT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.5


class Invalidations:
    """Sends this process's invalidations and receives those from other processes.

    `forget` drops a clinic's entries. `clear` drops all entries, for when messages may have been missed.
    """

    def __init__(self, redis_url: str, *, forget: Callable[[int], None], clear: Callable[[], None]) -> None:
        self._redis: Final = redis_client.connect(redis_url, timeout_seconds=TIMEOUT_SECONDS)
        self._forget: Final = forget
        self._clear: Final = clear
        self._unsent: set[int] = set()
        self._listener: asyncio.Task[None] | None = None
        self.connected = False
        """Whether this process receives every invalidation from other processes."""

    async def start(self) -> None:
        self._listener = asyncio.create_task(self._listen(), name="cache-listener")

    async def stop(self) -> None:
        if self._listener:
            await tasks.cancel(self._listener)
        await self._redis.aclose()

    async def send(self, clinic_id: int) -> None:
        """Invalidate the clinic in the other processes, now or once Redis is reachable again."""
        self._unsent.add(clinic_id)
        if self.connected:
            with suppress(*CONNECTION_ERRORS):
                await self._send_all()

    async def _send_all(self) -> None:
        for clinic_id in list(self._unsent):
            await self._redis.publish(CHANNEL, str(clinic_id))
            self._unsent.discard(clinic_id)

    async def _listen(self) -> None:
        while True:
            try:
                await self._receive()
            except Exception as error:  # noqa: BLE001  if the listener ended, outdated entries would stay cached
                if self.connected:
                    log.warning("redis lost", error=type(error).__name__)
            self.connected = False
            self._clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _receive(self) -> None:
        """Receive messages until the connection fails or Redis has been silent for `SILENCE_SECONDS`."""
        clock = asyncio.get_running_loop().time
        async with self._redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            last_message_at = clock()
            while clock() - last_message_at < SILENCE_SECONDS:
                message = await channel.get_message(timeout=TIMEOUT_SECONDS)
                if message is None:
                    await channel.ping()
                    continue
                last_message_at = clock()
                if message["type"] == "subscribe":  # also sent after the client reconnects on its own
                    self._clear()
                    self.connected = True
                elif message["type"] == "message":
                    self._forget(int(message["data"] or 0))
                if self.connected:
                    await self._send_all()
        raise TimeoutError
