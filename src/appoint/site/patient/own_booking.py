"""The visitor's own booking at the time that they are looking at."""

import hashlib
from contextlib import suppress
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from ... import audit
from ...booking import links, transitions
from ...booking import service as appointments
from ...booking.bookings import service as bookings
from ...booking.model import LIVE, Appointment, Status
from ...customers import service as customers
from ...customers.model import Customer
from ...database.pool import Database
from ...http.cookies import booked_token_of, form_keys_of
from ...kit import clock, errors
from ...kit.ids import PLATFORM, clinic_of
from .booking_choice import BookingChoice, read_others
from .manage_link import appointment_id, holder, path_of

RECENT_BOOKING_AGE: Final = timedelta(minutes=15)
NEW_CUSTOMER_AGE: Final = timedelta(minutes=30)


class RecentBooking(NamedTuple):
    """An appointment that this browser has just booked."""

    appointment: Appointment
    link: str
    is_at_choice: bool
    """Whether it is at the time that the visitor is looking at."""


async def link_of_own_booking(choice: BookingChoice) -> str | None:
    """Return the link to the appointment that this browser booked at this exact time.

    Visitors who come back to the form see their appointment rather than a notice that the time is taken.
    """
    request, visit = choice.visit.request, choice.visit
    token = booked_token_of(request)
    booked_id = links.appointment_of(request.services.secret_key, token)
    if visit.framed or booked_id is None or clinic_of(booked_id) != visit.catalogue.clinic_id:
        return None
    try:
        appointment = await appointments.get(request.services.db, booked_id)
    except errors.NotFound:
        return None
    return f"/appointments/{token}" if _is_at(appointment, choice) else None


async def is_own_hold(choice: BookingChoice, token: str) -> bool:
    """Return whether a manage link's token is for a hold at this time whose code has not been entered yet."""
    request = choice.visit.request
    held_id = links.appointment_of(request.services.secret_key, token)
    if held_id is None or clinic_of(held_id) != choice.visit.catalogue.clinic_id:
        return False
    try:
        appointment = await appointments.get(request.services.db, held_id)
    except errors.NotFound:
        return False
    return appointment.status == Status.PENDING and _is_at(appointment, choice)


def caller_of(form_key: str) -> str:
    """Return the caller of a booking form, for idempotency. Only the browser that has the form knows its key."""
    return f"form:{hashlib.sha256(form_key.encode()).hexdigest()[:32]}"


async def find_recent_booking(choice: BookingChoice) -> RecentBooking | None:
    """Return the appointment that this browser has just booked, even if the response to the form was lost."""
    request, visit = choice.visit.request, choice.visit
    callers = [caller_of(key) for key in form_keys_of(request)]
    if visit.framed or not callers:
        return None
    appointment = await appointments.find_latest_by_callers(
        request.services.db,
        clinic_id=visit.catalogue.clinic_id,
        callers=callers,
        since=clock.now() - RECENT_BOOKING_AGE,
    )
    if appointment is None:
        return None
    token = links.token(request.services.secret_key, appointment.id)
    return RecentBooking(appointment, path_of(token), _is_at(appointment, choice))


def _is_at(appointment: Appointment, choice: BookingChoice) -> bool:
    return (
        appointment.status in LIVE
        and appointment.start_time == choice.start
        and (choice.doctor is None or appointment.doctor_id == choice.doctor.id)
    )


async def read_held_details(choice: BookingChoice, token: str) -> dict[str, str]:
    """Return what the visitor typed when they put the chosen times on hold, keyed by field.

    Include only newly registered customers: a link may also hold a time for someone whose details its holder doesn't
    know.
    """
    request, db, clinic_id = choice.visit.request, choice.visit.request.services.db, choice.visit.catalogue.clinic_id
    held_id, actor = links.appointment_of(request.services.secret_key, token), await holder(request, token)
    if held_id is None or actor is None:
        return {}
    hold = await appointments.get(db, held_id)
    together = await bookings.list_together(db, clinic_id=clinic_id, booking_id=hold.booking_id)
    typed = {"note": hold.notes or ""}
    first: Customer | None = None
    for number, each_choice in enumerate([choice, *read_others(choice.visit)]):
        pending = next((each for each in together if each.status == Status.PENDING and _is_at(each, each_choice)), None)
        customer = await _find_new_customer(db, pending.customer_id) if pending else None
        if customer is None:
            continue
        suffix = str(number or "")
        await audit.record(db.across(), actor, clinic_id=PLATFORM, subjects=[customer.id])
        if number == 0:
            first = customer
            typed |= {"email": customer.email or "", "phone": customer.phone or ""}
        elif first and customer.id == first.id:
            continue
        birth_date = customer.birth_date.isoformat() if customer.birth_date else ""
        typed |= {f"name{suffix}": customer.name, f"birthDate{suffix}": birth_date}
    return typed


async def _find_new_customer(db: Database, customer_id: UUID) -> Customer | None:
    customer = await customers.get(db.across(), customer_id)
    return customer if clock.now() - customer.created_at < NEW_CUSTOMER_AGE else None


async def release_own_holds(choice: BookingChoice, token: str) -> None:
    """Cancel the visitor's own hold, and those booked together with it, if they go back to the form to change their
    details."""
    if not token or not await is_own_hold(choice, token):
        return
    request, clinic_id = choice.visit.request, choice.visit.catalogue.clinic_id
    held_id = links.appointment_of(request.services.secret_key, token)
    hold = await appointments.get(request.services.db, held_id) if held_id else None
    if hold is None or await holder(request, token) is None:  # staff have revoked the link
        return
    for each in await bookings.list_together(request.services.db, clinic_id=clinic_id, booking_id=hold.booking_id):
        actor = await holder(request, links.token(request.services.secret_key, each.id))
        if actor and each.status == Status.PENDING:
            with suppress(errors.Conflict):
                await request.services.db.within(clinic_id).atomic(
                    transitions.cancel,
                    actor,
                    appointment_id=appointment_id(actor),
                    reason=None,
                    if_match=None,
                    now=clock.now(),
                )
