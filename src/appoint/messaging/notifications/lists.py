"""Read the appointments that messages to doctors and staff list."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ...database.pool import Database
from ..templates.model import ListedAppointment
from .model import NotificationContext
from .repository import contents

MAX_LISTED: Final = 100


async def _agenda_appointments(
    db: Database, context: NotificationContext, _now: datetime
) -> Sequence[ListedAppointment]:
    return await contents.list_appointments_of_day(
        db, clinic_id=context.clinic_id, doctor_id=UUID(context.recipient_id), day=context.sequence
    )


async def _stranded_appointments(
    db: Database, context: NotificationContext, now: datetime
) -> Sequence[ListedAppointment]:
    return await contents.list_stranded_appointments(db, clinic_id=context.clinic_id, now=now, limit=MAX_LISTED)


LIST_READERS: Final = {"agenda": _agenda_appointments, "stranded": _stranded_appointments}
"""The kinds of messages that list appointments, and the functions that read those appointments."""
