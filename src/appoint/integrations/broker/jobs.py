"""What the worker runs for the broker: of all workers, one passes on what the relay has written down."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import asyncpg
import structlog

from ...database.pool import UNAVAILABLE, Database, Statements, Transaction, to
from ...kit import errors
from . import gateway, repository
from .model import Message, rounds, wait_after

log = structlog.get_logger()

BATCH: Final = 256
BATCH_SECONDS: Final = 20.0  # then what was acknowledged is noted, long before the session counts as silent
IDLE_SECONDS: Final = 0.5
TURN_SECONDS: Final = 2.0


async def publish(db: Database, url: str, stop: asyncio.Event) -> None:
    """Publish every message at least once, each subject's in order, until `stop`. Raises `StartupError` at once for a
    bad address.

    Any number may run: one has the turn, and when it dies the next takes over. The one with the turn keeps a connection
    of the database, without a transaction. While the broker or the database is away it waits, and what was not
    acknowledged stays where it is.
    """
    gateway.check(url)
    failures = 0
    said: str | None = None

    def well() -> None:
        nonlocal failures, said
        if said:
            log.info("published again", after=said)
        failures, said = 0, None

    while not stop.is_set():
        pause = TURN_SECONDS
        trouble = None
        try:
            await _take_turn(db, url, stop, well)
        except gateway.Refused:
            pause = wait_after(0)
        except gateway.Lost as error:
            trouble = ("broker away", str(error))
        except (errors.Unavailable, *UNAVAILABLE, asyncpg.IdleSessionTimeoutError) as error:
            trouble = ("database away", type(error).__name__)
        except Exception:  # one fault must not end the worker
            log.exception("job failed", job="publish")
        if trouble:
            failures += 1
            pause = wait_after(failures) * random.uniform(0.5, 1)  # noqa: S311  jitter keeps no secret
            if said != trouble[0]:
                said = trouble[0]
                log.warning(said, job="publish", error=trouble[1])
        await _pause(stop, pause)


async def _take_turn(db: Database, url: str, stop: asyncio.Event, well: Callable[[], None]) -> None:
    """Publish, if nobody else does, until something fails."""
    async with db.connection() as connection:
        others = False
        try:
            session = Transaction(connection)  # in name only: each of its statements is its own
            others = not await repository.take_turn(session)
            if not others:
                async with gateway.connected(url) as send:
                    await _publish(session, send, stop, well)
        finally:
            if not others:
                connection.terminate()  # the turn ends with the session, whatever happened


async def _publish(session: Statements, send: gateway.Publish, stop: asyncio.Event, well: Callable[[], None]) -> None:
    most = 1  # and twice as many each time: what a broker refuses is soon alone, where it shows
    while not stop.is_set():
        messages = [to(Message, row) for row in await repository.waiting(session, most=most)]
        await _pass_on(session, send, messages)
        well()
        if len(messages) < most:
            await _pause(stop, IDLE_SECONDS)
        most = min(2 * most, BATCH)


async def _pass_on(session: Statements, send: gateway.Publish, messages: Sequence[Message]) -> None:
    """Publish these and forget what is acknowledged, then raise what went wrong. A message that is refused while it is
    alone is put aside."""
    acknowledged: list[int] = []
    fault: BaseException | None = None
    clock = asyncio.get_running_loop().time
    end = clock() + BATCH_SECONDS
    for together in rounds(messages):
        answers = await asyncio.gather(*map(send, together), return_exceptions=True)
        acknowledged += [message.position for message, answer in zip(together, answers, strict=True) if answer is None]
        fault = next((answer for answer in answers if answer is not None), None)
        if isinstance(fault, gateway.Refused) and len(together) == 1:
            await _put_aside(session, together[0], str(fault))
        if fault is not None or clock() > end:
            break
    if acknowledged:
        await repository.forget(session, positions=acknowledged)
    if isinstance(
        fault, asyncio.CancelledError
    ):  # the client's, whose connection has gone; ours would not have come here
        raise gateway.Lost("ConnectionClosed")
    if fault is not None:
        raise fault


async def _put_aside(session: Statements, message: Message, fault: str) -> None:
    await repository.put_aside(session, position=message.position, fault=fault)
    log.error("broker refused a message", clinic_id=message.clinic_id, event_id=str(message.event_id), fault=fault)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
