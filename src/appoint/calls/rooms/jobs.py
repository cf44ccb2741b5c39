"""The worker's side: make and end rooms at their providers.

Any number of workers share the work through leases on calls. When a worker dies, its leases run out, and another one
tries again; providers make and end each room only once. A provider that fails delays nothing but its own rooms.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

import structlog

from ...database.pool import Database
from ...kit import clock, errors
from ...kit.key_ring import UnreadableError
from ...kit.leases import PollIntervals, serve
from ..providers.failures import FailureCode, ProviderFailure
from ..providers.gateway import Providers
from ..providers.port import CallGateway
from ..settings import repository as settings_repository
from . import repository
from .model import LEASE, TOKEN_COOLDOWN, WITH_RATE_LIMIT, LeasedCall, retry_delay

log = structlog.get_logger()

PACE: Final = PollIntervals(idle_seconds=1.0, busy_seconds=0.2)
MAX_CONCURRENT: Final = 16
ATTEMPT_SECONDS: Final = 20.0


class RoomMaker(NamedTuple):
    db: Database
    providers: Providers
    now: Callable[[], datetime] = clock.now
    find_gateway: Callable[[LeasedCall], CallGateway] | None = None
    """Stands in for the clinics' own providers in tests."""


async def run(maker: RoomMaker, stop: asyncio.Event, *, per_second: int) -> None:
    """Make and end due rooms until `stop` is set, at most `per_second` at each provider."""
    for gateway in WITH_RATE_LIMIT:
        await repository.set_token_count(maker.db, gateway=gateway, per_second=per_second)
    await serve(
        stop,
        name="calls",
        capacity=MAX_CONCURRENT,
        pace=PACE,
        claim=partial(lease, maker),
        run=partial(attempt, maker),
    )


async def lease(maker: RoomMaker, limit: int) -> list[LeasedCall]:
    return await repository.lease_due(maker.db, now=maker.now(), lease=LEASE, limit=limit)


async def attempt(maker: RoomMaker, call: LeasedCall) -> None:
    """Make or end a leased call's room, and record the outcome."""
    try:
        await _attempt(maker, call)
    finally:
        if call.token is not None:
            await repository.release_token(maker.db, gateway=call.gateway, number=call.token, after=TOKEN_COOLDOWN)


async def _attempt(maker: RoomMaker, call: LeasedCall) -> None:
    room = call.room(maker.providers.secret)
    try:
        gateway = await _gateway(maker, call)
        async with asyncio.timeout(ATTEMPT_SECONDS):
            await (gateway.end(room) if call.state == "ending" else gateway.make(room))
    except errors.Unavailable:  # the database; the lease runs out, and the call becomes due again
        raise
    except ProviderFailure as failure:
        log.info("attempt failed", call_id=str(call.id), gateway=call.gateway, reason=str(failure))
        await _fail(maker, call, failure.code)
    except TimeoutError:
        await _fail(maker, call, "timeout")
    except UnreadableError:  # already logged
        await _fail(maker, call, "unreadable-settings")
    except Exception:
        log.exception("room not made or ended", call_id=str(call.id), gateway=call.gateway)
        await _fail(maker, call, "internal-error")
    else:
        await _succeed(maker, call)


async def _gateway(maker: RoomMaker, call: LeasedCall) -> CallGateway:
    if maker.find_gateway:
        return maker.find_gateway(call)
    connection = await settings_repository.find_connection(maker.db, call.clinic_id, call.gateway)
    return maker.providers.gateway_for(call.gateway, connection)


async def _has_own_link(maker: RoomMaker, call: LeasedCall) -> bool:
    """Return whether the doctor has a fixed link, which can replace the provider's room."""
    try:
        connection = await settings_repository.find_connection(maker.db, call.clinic_id, "link")
    except UnreadableError:
        return False
    return call.gateway != "link" and connection is not None and call.doctor_id in connection.doctor_links


async def _succeed(maker: RoomMaker, call: LeasedCall) -> None:
    if call.state == "ending":
        await repository.finish(maker.db, call, state="ended", now=maker.now())
    else:
        await repository.finish(maker.db, call, state="made", now=maker.now())


async def _fail(maker: RoomMaker, call: LeasedCall, error: FailureCode) -> None:
    now = maker.now()
    due_at = now + retry_delay(call.tries, random.random())  # noqa: S311  jitter does not need secure randomness
    if due_at < call.last_try_at:
        await repository.postpone(maker.db, call, due_at=due_at, error=error)
        return
    is_ending = call.state == "ending"
    if not is_ending and await _has_own_link(maker, call):
        await repository.finish(maker.db, call, state="made", gateway="link", error=error, now=now)
        log.warning("doctor's own link used", call_id=str(call.id), gateway=call.gateway, reason=error)
        return
    await repository.finish(maker.db, call, state="ended" if is_ending else "dead", error=error, now=now)
    log.warning("room given up", call_id=str(call.id), gateway=call.gateway, state=call.state, reason=error)
