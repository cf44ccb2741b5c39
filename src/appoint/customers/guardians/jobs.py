"""Nightly job: end guardianships whose last day has passed."""

from datetime import datetime
from typing import Final

import structlog

from ...database.pool import Database
from . import repository, service

log = structlog.get_logger()

BATCH_SIZE: Final = 200


async def end_expired(db: Database, *, now: datetime) -> None:
    """End all guardianships whose last day has passed. Several workers can run this at once."""
    total = 0
    while expired := await repository.list_expired(db, today=now.date(), limit=BATCH_SIZE):
        for guardianship_id in expired:
            await db.atomic(service.end_expired, guardianship_id=guardianship_id, now=now)
        total += len(expired)
    log.info("expired guardianships ended", guardianships=total)
