"""Everything about a booking request apart from its body: limits, idempotency, overrides and visibility."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
from litestar import Response
from msgspec import UNSET, UnsetType

from ..clinics.catalogue import service as catalogues
from ..clinics.cells.network import Cells
from ..customers import service as customers
from ..customers import tokens
from ..customers.copies import service as copies
from ..customers.guardians import service as guardians
from ..http.access import authorize
from ..http.cookies import linked_customers_of
from ..http.idempotency.keys import digest
from ..http.languages import language_for
from ..http.pagination import cursor_after
from ..http.request import Request, idempotency_key
from ..http.resources import idempotent_resource
from ..http.responses import json_response, replay_headers
from ..kit import clock, errors
from ..kit.ids import clinic_of
from ..kit.permissions import widest_grant
from . import links, service, transitions
from .bounds import StrangerOrigin
from .deposits import due_deposit
from .model import Appointment, PaymentOffer
from .planning import IdempotencyKey
from .selection import AppointmentFilter, Selection
from .time_rules import BookingLimits, TimeRequest
from .undo.model import is_today


def redact(request: Request, appointment: Appointment) -> Appointment:
    """Return the appointment with only what the caller may see, and its texts in the caller's language. Only the clinic
    sees the notes, and only its staff see the staff's notes, the reason for overriding rules, and the undo offer."""
    replace, clinic_id = msgspec.structs.replace, appointment.clinic_id
    if not widest_grant(request.user, "list-appointments", clinic_id):
        appointment = replace(appointment, notes=None)
    if not request.user.is_staff(clinic_id):
        return replace(appointment, override_reason=None, staff_notes=None, advisories=msgspec.UNSET, undo=None)
    appointment = put_in_words(request, appointment)
    if (undo := appointment.undo) and not is_today(undo.taken_at, clock.now(), appointment.time_zone):
        appointment = replace(appointment, undo=None)
    return appointment


async def undo_headers(request: Request, appointment_id: UUID) -> dict[str, str]:
    """Return the header that says where staff can undo their last change to an appointment, if they can."""
    if not request.user.is_staff(clinic_of(appointment_id)):
        return {}
    undo = redact(request, await service.get(request.db, appointment_id)).undo
    return {"Undo-URL": undo.url} if undo else {}


def put_in_words(request: Request, appointment: Appointment) -> Appointment:
    """Return the appointment with its advisories in the caller's language."""
    if not appointment.advisories:
        return appointment
    language = language_for(request)
    return msgspec.structs.replace(
        appointment, advisories=[advisory.in_words(language) for advisory in appointment.advisories]
    )


def authorize_override(request: Request, override: object, *, clinic_id: int, doctor_id: UUID | None) -> None:
    """If the request contains an override, check that the caller may override rules for appointments with the doctor.
    Raise the same errors as the guard."""
    if override:
        authorize(request, permission="override", clinic_id=clinic_id, doctor_id=doctor_id)


def authorize_status(request: Request, time: TimeRequest, *, clinic_id: int, doctor_id: UUID | None) -> None:
    """If the request sets a status, check that the caller may record the progress of the doctor's appointments."""
    if time.status:
        authorize(request, permission="run-appointments", clinic_id=clinic_id, doctor_id=doctor_id)


class NamedCustomer(NamedTuple):
    """A customer that a booking request names, and the token sent along with the id."""

    id: UUID
    token: str | None


async def authorize_customers(request: Request, clinic_id: int, customers_to_book: Sequence[NamedCustomer]) -> bool:
    """Check that the caller may book for all these customers at the clinic. Return whether refusals have to conceal the
    customers' other appointments from the caller. Customers of another cell are copied to this one.

    Raise `NotFound` for customers whom the caller may not book for, and `Unavailable` if another cell may know a
    customer but does not respond.
    """
    discreet = await _authorize_customers(request, clinic_id, customers_to_book)
    await copy_customers(request, {each.id for each in customers_to_book})
    return discreet


async def copy_customers(request: Request, customer_ids: Collection[UUID]) -> None:
    """Copy those of the customers to this cell who are at home in another. The caller may book for them. Raise
    `Unavailable` if another cell may know one of them but does not respond."""
    if cells := request.services.features.get(Cells):
        await copies.copy_missing(cells, request.services.db.across(), customer_ids)


async def _authorize_customers(request: Request, clinic_id: int, customers_to_book: Sequence[NamedCustomer]) -> bool:
    """Do the same, but do not copy customers.

    A customer's id is not a credential: a stranger needs the token from the customer's registration. Without it, raise
    `NotFound` as for an unknown customer, without querying the database.
    """
    actor, secret, now = request.user, request.services.secret_key, clock.now()
    if actor.acts_for(clinic_id):
        return False
    own = {actor.customer_id}
    own |= {each.id for each in customers_to_book if tokens.is_proof(secret, each.token, each.id, now=now)}
    unproven_ids = {each.id for each in customers_to_book} - own
    if unproven_ids and actor.customer_id and (linked := linked_customers_of(request)):
        _, others = await customers.find_linked_customers(request.services.db.across(), actor.customer_id, linked)
        unproven_ids -= {other.id for other in others}
    if unproven_ids and actor.customer_id:
        wards = await guardians.list_wards(
            request.services.db.across(), guardian_id=actor.customer_id, clinic_id=clinic_id, now=now
        )
        unproven_ids -= {ward.ward_id for ward in wards}
    if unproven_ids and actor.appointment_id and clinic_of(actor.appointment_id) == clinic_id:
        appointment = await service.get(request.services.db, actor.appointment_id)
        if unproven_ids == {appointment.customer_id}:
            return True
    if unproven_ids:
        raise errors.NotFound
    return False


def with_token(request: Request, appointment: Appointment) -> Appointment:
    """Return the appointment with its manage link's token, for the caller who booked it."""
    return msgspec.structs.replace(appointment, manage_token=links.token(request.services.secret_key, appointment.id))


async def payment_offer(request: Request, appointments: Sequence[Appointment]) -> PaymentOffer | UnsetType:
    """Return what has to be paid before these appointments, which were booked together, leave their hold."""
    first = appointments[0]
    ends = [appointment.hold_expires_at for appointment in appointments if appointment.hold_expires_at]
    if not ends or request.user.is_staff(first.clinic_id):
        return UNSET
    catalogue = await catalogues.get(request.services.db, request.cache, first.clinic_id)
    deposit = await due_deposit(request.services.db.within(first.clinic_id), catalogue, appointments)
    if not deposit:
        return UNSET
    token = links.token(request.services.secret_key, first.id)
    return PaymentOffer(f"{request.services.settings.links_url}/appointments/{token}/pay", deposit, min(ends))


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
    return customer_limits(request)


def customer_limits(request: Request) -> BookingLimits:
    """Return how many appointments and holds a customer can have at a clinic without help from its staff."""
    settings = request.services.settings
    return BookingLimits(settings.appointments_per_customer, settings.holds_per_customer)


async def apply_transition(request: Request, appointment_id: UUID, name: str) -> Response[Appointment]:
    """Apply the named transition, at most once per `Idempotency-Key`, and return the appointment."""
    appointment, replayed = await idempotent_resource(
        request,
        None,
        lambda tx: transitions.apply(
            tx, request.user, appointment_id=appointment_id, name=name, if_match=request.if_match, now=clock.now()
        ),
        service.get,
    )
    return json_response(request, redact(request, appointment), headers=replay_headers(replayed))


def stranger_origin(request: Request, clinic_id: int) -> StrangerOrigin | None:
    """Return where a stranger's or a patient's request comes from, or None if the caller acts for the clinic or rate
    limits are off."""
    services, settings = request.services, request.services.settings
    if not settings.rate_limits or request.user.acts_for(clinic_id):
        return None
    return StrangerOrigin.of(
        request.user.address, settings, secret=services.secret_key, clinic_id=clinic_id, now=clock.now()
    )
