"""Everything about a booking request apart from its body: limits, idempotency, overrides and visibility."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from ..http.access import authorize
from ..http.idempotency import digest
from ..http.pagination import cursor_after
from ..http.request import Request, idempotency_key
from ..kit.permissions import widest_grant
from . import links
from .model import Appointment, AppointmentFilter, Selection
from .planning import IdempotencyKey
from .rules import BookingLimits


def redact(request: Request, appointment: Appointment) -> Appointment:
    """Return the appointment with only what the caller may see: notes are for the clinic, and the reason for overriding
    rules is for its staff."""
    if not widest_grant(request.user, "list-appointments", appointment.clinic_id):
        appointment = msgspec.structs.replace(appointment, notes=None)
    return (
        appointment
        if request.user.is_staff(appointment.clinic_id)
        else msgspec.structs.replace(appointment, override_reason=None)
    )


def authorize_override(request: Request, override: object, *, clinic_id: int, doctor_id: UUID | None) -> None:
    """If the request contains an override, check that the caller may override rules for appointments with the doctor.
    Raise the same errors as the guard."""
    if override:
        authorize(request, permission="override", clinic_id=clinic_id, doctor_id=doctor_id)


def with_token(request: Request, appointment: Appointment) -> Appointment:
    """Return the appointment with its manage link's token, for the caller who booked it."""
    return msgspec.structs.replace(appointment, manage_token=links.token(request.services.secret_key, appointment.id))


def visible_doctors(request: Request, doctor_id: UUID | None) -> list[UUID] | None:
    """Return the requested doctors whose appointments the caller may list, or None for all doctors."""
    own = request.grant.doctor_id
    if own is None:
        return [doctor_id] if doctor_id else None
    return [own] if doctor_id in (None, own) else []


def visible_selection(request: Request, query: AppointmentFilter) -> Selection:
    """Return the query as a selection, restricted to appointments that the caller may list."""
    return Selection(
        query.from_,
        query.to,
        visible_doctors(request, query.doctor_id),
        query.customer_id,
        query.status,
        cursor_after(request, query, tuple[datetime, UUID]),
        query.limit,
    )


def requested_key(request: Request, data: object) -> IdempotencyKey | None:
    """Return the request's `Idempotency-Key`, if any, with its caller and digest."""
    key = idempotency_key(request)
    return IdempotencyKey(request.user.key, key, digest(request, data)) if key else None


def hold_length(request: Request) -> timedelta:
    return timedelta(minutes=request.services.settings.hold_minutes)


def booking_limits(request: Request, clinic_id: int) -> BookingLimits | None:
    """Return this caller's booking limits, or None for staff and for partners with their own rate limit."""
    actor = request.user
    if actor.is_staff(clinic_id) or (actor.membership_at(clinic_id) and actor.requests_per_minute):
        return None
    settings = request.services.settings
    return BookingLimits(settings.appointments_per_customer, settings.holds_per_customer)
