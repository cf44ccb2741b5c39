"""Show and record a clinic's set-up progress."""

from collections.abc import Sequence
from datetime import datetime

from ... import audit
from ...database.pool import Statements, Transaction
from ...kit import errors
from ...kit.actors import Actor
from ..appointment_types import service as types
from ..appointment_types.model import AppointmentTypeContent
from ..clinics import service as clinics
from . import repository
from .model import Progress, Tick


async def load_progress(db: Statements, clinic_id: int, *, now: datetime) -> Progress:
    """Return the clinic's set-up progress. Raise `NotFound` for an unknown clinic."""
    if progress := await repository.load_progress(db, clinic_id, now=now):
        return progress
    raise errors.NotFound


async def tick(tx: Transaction, actor: Actor, *, clinic_id: int, step: Tick) -> None:
    """Tick a step off, or hide the whole list (`hidden`). Raise the same errors as `clinics.get_active`."""
    await clinics.get_active(tx, clinic_id)
    await repository.tick(tx, clinic_id, step)
    await audit.record(tx, actor, clinic_id=clinic_id, subjects=[])


async def add_types(
    tx: Transaction, actor: Actor, *, clinic_id: int, contents: Sequence[AppointmentTypeContent]
) -> None:
    """Add all these appointment types, or none, leaving out those whose names the clinic already uses. Raise the same
    errors as `types.add`."""
    names = {each.name.casefold() for each in await types.list_types(tx, clinic_id)}
    for content in contents:
        if content.name.casefold() not in names:
            await types.add(tx, actor, clinic_id=clinic_id, content=content)
