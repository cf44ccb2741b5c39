"""Send the link to a video visit when staff ask for it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ... import audit
from ...calls.joining import service as joining
from ...calls.providers.model import Gateway
from ...database.pool import Transaction
from ...kit import errors
from ...kit.actors import Actor
from ..channels.model import Channel
from .repository import notices, planning


async def send(
    tx: Transaction,
    actor: Actor,
    *,
    appointment_id: UUID,
    channels: Sequence[Channel],
    default_gateway: Gateway | None,
    now: datetime,
) -> None:
    """Queue the confirmation of a video visit, which contains the patient's link, even if it has been sent before. A
    confirmation that is still queued is sent once.

    Raise `NotFound`, or a `Conflict`: `not-a-video-visit` unless the patient can join the visit now or later, or
    `no-contact-details` if there is no channel on which the patient can receive it.
    """
    visit = await joining.get_visit(tx, appointment_id)
    if not visit.needs_call(default_gateway, now):
        raise errors.Conflict("not-a-video-visit")
    contacts = await planning.list_contacts(
        tx, events=[(visit.clinic_id, appointment_id, visit.customer_id, True, appointment_id)], channels=channels
    )
    if not contacts:
        raise errors.Conflict("no-contact-details")
    await notices.insert_requested_confirmations(
        tx,
        contacts,
        clinic_id=visit.clinic_id,
        subject_id=str(appointment_id),
        sequence=visit.sequence,
        now=now,
        expires_at=visit.end_time,
    )
    await audit.record(tx, actor, clinic_id=visit.clinic_id, subjects=[appointment_id])
