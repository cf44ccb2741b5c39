"""The nightly check of all invariants."""

from typing import Final

import structlog

from ...database.pool import Database
from ...kit import clock
from . import repository, service

log = structlog.get_logger()

MAX_LOGGED: Final = 5
"""How many of an invariant's violations the log lists."""


async def check_invariants(db: Database) -> None:
    """Check all clinics' data, log each violated invariant as an error, and store the counts for the metrics."""
    clinic_ids = await service.list_clinics(db)
    async for report in service.check(db, clinic_ids=clinic_ids):
        for violation in report.violations:
            log.error(
                "invariant violated",
                invariant=violation.invariant,
                clinic_id=report.clinic_id,
                count=violation.count,
                subjects=violation.subjects[:MAX_LOGGED],
            )
        await repository.replace(db, report, now=clock.now())
