"""Record how staff contact the patients whose appointments need rebooking."""

from datetime import datetime
from typing import Final
from uuid import UUID

from ...database.pool import Statements
from ...database.sql import load
from ...kit import tracing

ASK_TO_REBOOK: Final = load(__name__.rpartition(".")[0], "ask_to_rebook")


async def ask_to_rebook(
    tx: Statements, *, clinic_id: int, appointment_id: UUID, by: str, step_id: UUID, now: datetime
) -> bool:
    """Record whether the patient of a locked appointment receives a link or a call. Return False if the appointment
    does not need rebooking."""
    return await tx.fetchval(
        ASK_TO_REBOOK,
        clinic_id=clinic_id,
        appointment_id=appointment_id,
        by=by,
        step_id=step_id,
        traceparent=tracing.traceparent(),
        now=now,
    )
