"""Nightly job: apply retention periods to payments and documents."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from ...database.pool import Database
from ..policies.model import DEFAULT_POLICY
from . import repository

log = structlog.get_logger()

UNSUCCESSFUL_PAYMENT_TTL: Final = timedelta(days=30)
"""How long Appoint keeps card payments that failed or were cancelled. Providers report events for a few days at
most."""
BATCH_SIZE: Final = 500


async def expire(db: Database, *, now: datetime) -> None:
    """Delete unsuccessful payments. Remove personal data from documents whose retention period has ended.

    The period begins at the end of the year of issue, as in section 147 (4) of the German Fiscal Code. Several workers
    can run this at once. If a run is interrupted, the next night's run completes it.
    """
    payments = await repository.delete_unsuccessful_payments(db, before=now - UNSUCCESSFUL_PAYMENT_TTL)
    documents = 0
    while count := await repository.redact_documents(
        db, default_years=DEFAULT_POLICY.retain_invoices_years, now=now, limit=BATCH_SIZE
    ):
        documents += count
    log.info("documents expired", payments=payments, documents=documents)
