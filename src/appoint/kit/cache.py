"""What changes rarely and is asked often, kept for ten minutes in each process. A change drops it: at once in the
process that made it, and with Redis everywhere, as soon as the word has got round.

Of all this Redis carries that word and nothing else. So an answer from here never waits for a network, and no Redis,
full or empty, old or gone, can hand out what has changed since: a process that cannot hear of changes keeps nothing,
and asks the database every time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Self, TypeVar

import structlog
from cashews.backends.memory import Memory
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

T = TypeVar("T")
log = structlog.get_logger()

SECONDS: Final = 600
ENTRIES: Final = 10_000
CHANNEL: Final = "appoint:changed"
WAIT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 3.0
RETRY_SECONDS: Final = 0.5


class ClinicCache:
    """Entries belong to a clinic and are dropped together. What is kept is shared, so nobody changes it.

    Each entry is kept under its clinic's generation, which is read before the entry is loaded and counted up after a
    change commits: what was loaded before a change is never found after it.
    """

    def __init__(self, url: str | None) -> None:
        self._kept = Memory(ENTRIES, check_interval=0)
        self._generations: dict[int, int] = {}
        self._redis: Final = (
            Redis.from_url(
                url, socket_timeout=WAIT_SECONDS, socket_connect_timeout=WAIT_SECONDS, retry=Retry(NoBackoff(), 0)
            )
            if url
            else None
        )
        self._hears = url is None
        self._untold: set[int] = set()
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._redis:
            self._listener = asyncio.create_task(self._listen(self._redis), name="cache-listener")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._redis and self._listener:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
            await self._redis.aclose()

    async def get(self, clinic_id: int, name: str, load: Callable[[], Awaitable[T]]) -> T:
        """The entry, loaded when it is not there. None is never kept."""
        if not self._hears:
            return await load()
        kept = self._kept  # another one as soon as we hear nothing: what is being loaded then is not kept
        key = f"{clinic_id}:{self._generations.get(clinic_id, 0)}:{name}"
        if (found := await kept.get(key)) is not None:
            return found
        loaded = await load()
        await kept.set(key, loaded, expire=SECONDS)
        return loaded

    async def drop(self, clinic_id: int) -> None:
        """The clinic has changed: forget everything about it, and have all processes forget it. Call it once the change
        has committed.

        When Redis is away, the others are told as soon as it is back.
        """
        self.forget(clinic_id)
        if self._redis:
            self._untold.add(clinic_id)
            if self._hears:
                with suppress(RedisError, OSError, TimeoutError):
                    await self._tell(self._redis)

    def forget(self, clinic_id: int) -> None:
        """Ask the database anew, in this process: for who has found that what is kept is old."""
        self._generations[clinic_id] = self._generations.get(clinic_id, 0) + 1

    async def _tell(self, redis: "Redis") -> None:
        """Tell what the others have not been told; what fails stays to be told."""
        for clinic_id in list(self._untold):
            await redis.publish(CHANNEL, str(clinic_id))
            self._untold.discard(clinic_id)

    async def _listen(self, redis: "Redis") -> None:
        while True:
            try:
                await self._hear(redis)
            except (RedisError, OSError, TimeoutError) as error:
                if self._hears:
                    log.warning("redis lost", error=type(error).__name__)
            self._hears = False
            self._kept = Memory(ENTRIES, check_interval=0)
            await asyncio.sleep(RETRY_SECONDS)

    async def _hear(self, redis: "Redis") -> None:
        """Until Redis is gone, or has been silent for so long that it must be."""
        clock = asyncio.get_running_loop().time
        async with redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            heard = clock()
            while clock() - heard < SILENCE_SECONDS:
                message = await channel.get_message(timeout=WAIT_SECONDS)
                if message is None:
                    await channel.ping()
                    continue
                heard = clock()
                if (
                    message["type"] == "subscribe"
                ):  # from now on nothing is missed; also after the client has connected anew by itself
                    self._kept = Memory(ENTRIES, check_interval=0)
                    self._hears = True
                elif message["type"] == "message":
                    self.forget(int(message["data"] or 0))
                if self._hears:
                    await self._tell(redis)
        raise TimeoutError
