"""The worker's broker job: one worker at a time publishes the messages stored by the relay."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import asyncpg
import structlog

from ...database.pool import Database, Statements, Transaction
from ...database.retries import UNAVAILABLE
from ...kit import errors
from . import gateway, repository
from .model import BrokerMessage, divide_into_rounds, retry_delay

log = structlog.get_logger()

MAX_BATCH_SIZE: Final = 256
BATCH_SECONDS: Final = 20.0
"""After this time, acknowledgements are recorded. It ends long before the idle session times out."""
IDLE_SECONDS: Final = 0.5
TURN_SECONDS: Final = 2.0


async def publish(db: Database, url: str, stop: asyncio.Event) -> None:
    """Publish every message at least once, in order within each subject, until `stop` is set. Raise `StartupError` for
    an invalid address.

    Any number of workers can run this, but only one has the turn at any time; if it dies, another takes over. The
    worker that has the turn keeps a database connection open, without a transaction. While the broker or the database
    is unreachable, the worker waits, and unacknowledged messages stay in the table.
    """
    gateway.check_url(url)
    failures = 0
    reported: str | None = None

    def report_success() -> None:
        nonlocal failures, reported
        if reported:
            log.info("published again", after=reported)
        failures, reported = 0, None

    while not stop.is_set():
        pause = TURN_SECONDS
        trouble = None
        try:
            await _take_turn(db, url, stop, report_success)
        except gateway.MessageRefused:
            pause = retry_delay(0)
        except gateway.ConnectionLost as error:
            trouble = ("broker unreachable", str(error))
        except (errors.Unavailable, *UNAVAILABLE, asyncpg.IdleSessionTimeoutError) as error:
            trouble = ("database unreachable", type(error).__name__)
        except Exception:  # one fault must not stop the worker
            log.exception("job failed", job="publish")
        if trouble:
            failures += 1
            pause = retry_delay(failures) * random.uniform(0.5, 1)  # noqa: S311  jitter does not need secure randomness
            if reported != trouble[0]:
                reported = trouble[0]
                log.warning(reported, job="publish", error=trouble[1])
        await _pause(stop, pause)


async def _take_turn(db: Database, url: str, stop: asyncio.Event, report_success: Callable[[], None]) -> None:
    """Publish until something fails, unless another worker has the turn."""
    async with db.connection() as connection:
        is_taken = False
        try:
            session = Transaction(connection)  # a transaction in name only: each statement commits on its own
            is_taken = not await repository.take_turn(session)
            if not is_taken:
                async with gateway.connect(url) as send:
                    await _publish(session, send, stop, report_success)
        finally:
            if not is_taken:
                connection.terminate()  # the turn ends with the session, whatever happened


async def _publish(
    session: Statements, send: gateway.Publish, stop: asyncio.Event, report_success: Callable[[], None]
) -> None:
    size = 1  # doubles each time; after a failure it restarts at one, which isolates a message that the broker refuses
    while not stop.is_set():
        messages = await repository.list_oldest(session, limit=size)
        await _send(session, send, messages)
        report_success()
        if len(messages) < size:
            await _pause(stop, IDLE_SECONDS)
        size = min(2 * size, MAX_BATCH_SIZE)


async def _send(session: Statements, send: gateway.Publish, messages: Sequence[BrokerMessage]) -> None:
    """Publish messages, delete those that the broker acknowledges, then raise the first error. Put a message aside if
    the broker refuses it even when sent alone."""
    acknowledged: list[int] = []
    fault: BaseException | None = None
    clock = asyncio.get_running_loop().time
    end = clock() + BATCH_SECONDS
    for together in divide_into_rounds(messages):
        answers = await asyncio.gather(*map(send, together), return_exceptions=True)
        acknowledged += [message.position for message, answer in zip(together, answers, strict=True) if answer is None]
        fault = next((answer for answer in answers if answer is not None), None)
        if isinstance(fault, gateway.MessageRefused) and len(together) == 1:
            await _put_aside(session, together[0], str(fault))
        if fault is not None or clock() > end:
            break
    if acknowledged:
        await repository.delete(session, positions=acknowledged)
    # The client cancels the wait if its connection is lost. If this task had been cancelled, it wouldn't get this far.
    if isinstance(fault, asyncio.CancelledError):
        raise gateway.ConnectionLost("ConnectionClosed")
    if fault is not None:
        raise fault


async def _put_aside(session: Statements, message: BrokerMessage, fault: str) -> None:
    await repository.put_aside(session, position=message.position, fault=fault)
    log.error("broker refused a message", clinic_id=message.clinic_id, event_id=str(message.event_id), fault=fault)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
