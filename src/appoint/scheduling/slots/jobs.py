"""Publish slots every night, as a worker job."""

from datetime import datetime
from typing import Final

import msgspec
import structlog

from ...database.pool import Database
from ...kit.actors import SYSTEM
from . import repository, service

log = structlog.get_logger()
ACTOR: Final = msgspec.structs.replace(SYSTEM, operation="generateBookingSlots")


async def publish_to_horizon(db: Database, *, now: datetime) -> int:
    """Publish every active clinic's schedules up to its horizon, and return the number of new slots. A failure at one
    clinic does not stop the others."""
    created = 0
    for clinic_id in await repository.list_active_clinics(db):
        try:
            created += (await db.atomic(service.generate_to_horizon, ACTOR, clinic_id=clinic_id, now=now)).created
        except Exception:
            log.exception("slots not generated", clinic_id=clinic_id)
    return created
