"""Calls, as shown in the API."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from ...kit import errors
from ...kit.actors import Actor
from ...kit.structs import PageQuery
from ..providers.failures import FailureCode
from ..providers.model import Gateway
from ..rooms.model import State
from .links import join_url
from .model import Visit


class CallFilter(PageQuery):
    state: State | None = None
    """Only calls in this state."""


class ListedCall(msgspec.Struct, kw_only=True, rename="camel"):
    """A call in a clinic's list."""

    id: UUID
    appointment_id: UUID
    doctor_id: UUID
    state: State
    start_time: datetime
    reason: FailureCode | None
    """Why the last attempt to create the room failed."""


class CallDetails(msgspec.Struct, kw_only=True, rename="camel"):
    """An appointment's call."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "appointmentId": "00000001-0197-818c-8c22-0201f9661508",
        "state": "made",
        "opensAt": "2027-03-01T08:15:00Z",
        "closesAt": "2027-03-01T09:30:00Z",
        "waitingSince": None,
        "delayMinutes": None,
        "reason": None,
        "phone": "+493012345678",
        "joinUrl": "https://appoint.example/join/AAAAAQGXgYwMIgIB",
        "patientJoinUrl": None,
    }

    appointment_id: UUID
    state: State
    """`wanted`: Appoint is creating the room. `made`: it exists. `open`: the doctor has let the patient in. `dead`: it
    could not be created. `ending` and `ended`: the call is over."""
    opens_at: datetime
    """When the caller can join. Doctors can join earlier than patients."""
    closes_at: datetime
    waiting_since: datetime | None
    """When the patient entered the waiting room."""
    delay_minutes: int | None
    """How late the doctor is running, if staff have entered a delay."""
    reason: FailureCode | None
    """Why the last attempt to create the room failed. Only staff can see it."""
    phone: str | None
    """The number to call if the video visit doesn't work."""
    join_url: str
    """Appoint's page where the caller joins. It stays the same when the appointment is rescheduled."""
    patient_join_url: str | None
    """The page where the patient joins, to send it to them again. Anyone who has this link can join as the patient.
    Only staff can see it."""


def describe(
    visit: Visit, actor: Actor, *, origin: str, secret: str, default_gateway: Gateway | None, now: datetime
) -> CallDetails:
    """Return the call as the caller may see it. A visit that has just been booked has a call that is `wanted`, even
    before a job has added it. Raise `NotFound` if there is no call."""
    call = visit.call
    if call is None and not visit.needs_call(default_gateway, now):
        raise errors.NotFound
    is_staff = actor.is_staff(visit.clinic_id)
    patient_url = join_url(origin, secret, visit.appointment_id, visit.link_number)
    return CallDetails(
        appointment_id=visit.appointment_id,
        state=call.state if call else "wanted",
        opens_at=visit.doctor_opens_at if is_staff else visit.opens_at,
        closes_at=visit.closes_at,
        waiting_since=call and call.waiting_since,
        delay_minutes=call and call.delay_minutes,
        reason=call.error if call and is_staff else None,
        phone=visit.phone,
        join_url=f"{origin}/staff/{visit.clinic_id}/appointments/{visit.appointment_id}/call"
        if is_staff
        else patient_url,
        patient_join_url=patient_url if is_staff else None,
    )
