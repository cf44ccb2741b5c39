"""Find the development gateway's objects, save their changes, and queue events about these."""

from datetime import datetime, timedelta
from typing import Final

from ...database.pool import Statements, Transaction
from ..checkout.model import API_VERSION
from . import model, repository
from .forms import ApiError, Json
from .model import Delivery, Effects

LATE: Final = timedelta(seconds=30)
AGAIN: Final = timedelta(seconds=3)
"""How long after an event its repeat follows."""


async def get(tx: Statements, kind: str, id: str) -> Json:
    if content := await repository.find(tx, kind, id):
        return content
    raise _no_such(kind, id)


async def lock(tx: Transaction, kind: str, id: str) -> repository.GatewayObject:
    if stored := await repository.lock(tx, kind, id):
        return stored
    raise _no_such(kind, id)


def _no_such(kind: str, id: str) -> ApiError:
    return ApiError(404, f"No such {kind}: '{id}'", code="resource_missing", param="id")


async def apply(tx: Transaction, change: Effects, delivery: Delivery, id: str, *, now: datetime) -> Json:
    """Save a change and queue its events. Return the object with the given id."""
    for content in change.objects:
        await repository.save(tx, content, delivery=delivery)
    events = [model.event(type, content, now, version=API_VERSION) for type, content in change.events]
    if queued := _schedule(events, delivery, now):
        await repository.add_deliveries(tx, queued)
    return next(content for content in change.objects if content["id"] == id)


def _schedule(events: list[Json], delivery: Delivery, now: datetime) -> list[tuple[Json, datetime]]:
    """Return the events with the times at which they are due."""
    match delivery:
        case "prompt":
            return [(event, now) for event in events]
        case "late":
            return [(event, now + LATE) for event in events]
        case "twice":
            return [(event, due_at) for due_at in (now, now + AGAIN) for event in events]
        case "reordered":
            return [(event, now + AGAIN * index) for index, event in enumerate(reversed(events))]
        case "lost":
            return []


async def expire_if_due(tx: Transaction, id: str, *, now: datetime) -> None:
    session, delivery = await lock(tx, "checkout.session", id)
    if session["status"] == "open" and session["expires_at"] <= now.timestamp():
        await apply(tx, model.expire_session(session), delivery, id, now=now)


async def expire_sessions(tx: Transaction, *, now: datetime) -> None:
    """Close the hosted pages that have been open for too long."""
    for id in await repository.list_expired_sessions(tx, now=now):
        await expire_if_due(tx, id, now=now)
