"""What the worker does about slots every night."""

from datetime import datetime
from typing import Final

import msgspec
import structlog

from ...database.pool import Database
from ...kit.actors import SYSTEM
from . import repository, service

log = structlog.get_logger()
BY: Final = msgspec.structs.replace(SYSTEM, doing="generateBookingSlots")


async def nightly(db: Database, *, now: datetime) -> int:
    """Publish every active clinic's schedules up to its horizon; return how many slots are new. A clinic that fails does
    not stop the others."""
    created = 0
    for clinic_id in await repository.active_clinics(db):
        try:
            created += (await db.atomic(service.generate_to_horizon, BY, clinic_id=clinic_id, now=now)).created
        except Exception:
            log.exception("slots not generated", clinic_id=clinic_id)
    return created
