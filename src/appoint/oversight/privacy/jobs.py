"""Nightly job: delete data whose retention period has ended."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from ...clinics.clinics.model import Policy
from ...database.pool import Database
from ...kit import errors, ids
from ...kit.actors import SYSTEM
from ...messaging.channels import repository as mailbox_repository
from . import service
from .repository import retention

log = structlog.get_logger()

MAILBOX_RETENTION: Final = timedelta(days=7)
"""How long messages stay in the development mailbox."""


async def forget_unconfirmed(db: Database, *, older_than: timedelta, now: datetime) -> None:
    """Delete people who registered but never booked. Several workers can run this at once."""
    last, total = UUID(int=0), 0
    while customers := await db.atomic(
        service.forget_unconfirmed, SYSTEM, before=now - older_than, after=last, now=now
    ):
        last, total = customers[-1], total + len(customers)
    log.info("unconfirmed people forgotten", customers=total)


async def forget(db: Database, *, now: datetime) -> None:
    """Delete data whose retention period has ended. Several workers can run this at once. If a run is interrupted, the
    next night's run completes it."""
    patients = appointments = customers = 0
    messages = await service.delete_notifications(
        db, clinic_id=ids.PLATFORM, before=now - timedelta(days=Policy().retain_messages_days), now=now
    ) + await mailbox_repository.delete_old(db, before=now - MAILBOX_RETENTION)
    for limits in await retention.limits(db, now=now):
        messages += await service.delete_notifications(
            db, clinic_id=limits.clinic_id, before=limits.messages_before, now=now
        )
        last = UUID(int=0)
        while limits.patients_before:
            erased = await db.atomic(
                service.erase_departed_notes,
                SYSTEM,
                clinic_id=limits.clinic_id,
                before=limits.patients_before,
                after=last,
            )
            patients, appointments = patients + erased.patients, appointments + erased.appointments
            for customer_id in erased.departed:
                customers += await _erase(db, customer_id, now=now)
            if len(erased.departed) < service.BATCH_SIZE:
                break
            last = erased.departed[-1]
    log.info("forgotten", messages=messages, patients=patients, appointments=appointments, customers=customers)


async def _erase(db: Database, customer_id: UUID, *, now: datetime) -> bool:
    try:
        return await db.atomic(service.erase_unretained, SYSTEM, customer_id=customer_id, now=now)
    except errors.Conflict:  # they have just booked
        return False
