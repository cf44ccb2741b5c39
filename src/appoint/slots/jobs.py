"""What the worker does about slots every night."""

from datetime import datetime

import structlog

from ..callers import SYSTEM
from ..database.pool import Database
from . import repository, service

log = structlog.get_logger()


async def nightly(db: Database, *, now: datetime) -> int:
    """Publish every active clinic's schedules up to its horizon; returns how many slots are new. A clinic that fails does not stop the others."""
    created = 0
    for clinic_id in await repository.active_clinics(db):
        try:
            created += (await db.atomic(service.generate_to_horizon, SYSTEM, clinic_id=clinic_id, now=now)).created
        except Exception:
            log.exception("slots not generated", clinic_id=clinic_id)
    return created
