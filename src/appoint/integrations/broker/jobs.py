"""The worker's job for the broker: one worker at a time publishes the messages that the relay has stored."""

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
BATCH_SECONDS: Final = 20.0  # then acknowledgements are recorded, long before the idle session times out
IDLE_SECONDS: Final = 0.5
TURN_SECONDS: Final = 2.0


async def publish(db: Database, url: str, stop: asyncio.Event) -> None:
    """Publish every message at least once, in order per subject, until `stop`. Raise `StartupError` for an invalid
    address.

    Any number of workers may run this: one has the turn, and when it dies another takes over. The one with the turn
    keeps a database connection, without a transaction. While the broker or the database is unreachable it waits, and
    unacknowledged messages stay in the table.
    """
    gateway.check(url)
    failures = 0
    reported: str | None = None

    def well() -> None:
        nonlocal failures, reported
        if reported:
            log.info("published again", after=reported)
        failures, reported = 0, None

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
            pause = wait_after(failures) * random.uniform(0.5, 1)  # noqa: S311  jitter needs no secure randomness
            if reported != trouble[0]:
                reported = trouble[0]
                log.warning(reported, job="publish", error=trouble[1])
        await _pause(stop, pause)


async def _take_turn(db: Database, url: str, stop: asyncio.Event, well: Callable[[], None]) -> None:
    """Publish, unless another worker does, until something fails."""
    async with db.connection() as connection:
        others = False
        try:
            session = Transaction(connection)  # in name only: each statement commits by itself
            others = not await repository.take_turn(session)
            if not others:
                async with gateway.connected(url) as send:
                    await _publish(session, send, stop, well)
        finally:
            if not others:
                connection.terminate()  # the turn ends with the session, whatever happened


async def _publish(session: Statements, send: gateway.Publish, stop: asyncio.Event, well: Callable[[], None]) -> None:
    most = 1  # doubles each time, so after a failure a refused message is soon alone and identified
    while not stop.is_set():
        messages = [to(Message, row) for row in await repository.waiting(session, most=most)]
        await _pass_on(session, send, messages)
        well()
        if len(messages) < most:
            await _pause(stop, IDLE_SECONDS)
        most = min(2 * most, BATCH)


async def _pass_on(session: Statements, send: gateway.Publish, messages: Sequence[Message]) -> None:
    """Publish messages, delete those that were acknowledged, then raise the first error. A message that is refused when
    sent alone is put aside."""
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
    # The client cancels when its connection is lost. A cancellation of this task would not get here.
    if isinstance(fault, asyncio.CancelledError):
        raise gateway.Lost("ConnectionClosed")
    if fault is not None:
        raise fault


async def _put_aside(session: Statements, message: Message, fault: str) -> None:
    await repository.put_aside(session, position=message.position, fault=fault)
    log.error("broker refused a message", clinic_id=message.clinic_id, event_id=str(message.event_id), fault=fault)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
