"""Manage links: the appointment behind a link, and its holder."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from litestar import Response

from ... import audit
from ...booking import links, service
from ...booking.bookings import service as bookings
from ...booking.cancellation import is_late, policy_of
from ...booking.deposits import due_for_booking
from ...booking.model import LIVE, MOVABLE, TRANSITIONS, Appointment, AppointmentDetails
from ...clinics.catalogue import service as catalogues
from ...clinics.catalogue.model import Catalogue
from ...database.pool import Database
from ...http.etags import etag
from ...http.languages import language_for
from ...http.problems.catalogue import PROBLEMS
from ...http.request import Request
from ...kit import clock, errors, ids
from ...kit.actors import Actor
from ...kit.i18n import translate
from ...kit.money import Money
from ..rendering import NO_STORE, render
from .face import accent_style, doctor_face


class LinkedAppointment(NamedTuple):
    """A manage link's appointment, as of `now`."""

    appointment: AppointmentDetails
    catalogue: Catalogue
    now: datetime
    deposit: Money | None = None
    """The deposit that still has to be paid for everything that was booked together, while it is on hold."""

    @property
    def is_late(self) -> bool:
        return is_late(self.appointment, self.catalogue, self.now)

    @property
    def can_cancel(self) -> bool:
        return self.appointment.start_time > self.now and self.appointment.status in TRANSITIONS["cancel"].sources

    @property
    def can_move(self) -> bool:
        return self.can_cancel and self.appointment.status in MOVABLE

    @property
    def last_change(self) -> datetime | None:
        """The latest time to cancel or reschedule, or None if the clinic doesn't require any notice."""
        if not self.catalogue.cancel_notice_minutes:
            return None
        return policy_of(self.catalogue).deadline(self.appointment.start_time, self.appointment.created_at)

    def confirm_path(self, token: str) -> str:
        """Return the path of the page that asks for the code."""
        return f"/c/{self.catalogue.slug or self.catalogue.clinic_id}/confirm/{token}"


async def load_appointment(request: Request, token: str) -> LinkedAppointment | None:
    """Return a link's appointment, and record that it was seen. Return None if the link is invalid."""
    actor = await holder(request, token)
    if actor is None:
        return None
    db, clinic_id, id = database(request, actor), ids.clinic_of(appointment_id(actor)), appointment_id(actor)
    appointment = await service.find_for_holder(db, id)
    if appointment is None:
        return None
    # record the id, never the page's URL, which would give readers of the audit log access to the appointment
    await audit.record(db, actor, clinic_id=clinic_id, subjects=[id])
    catalogue = await catalogues.get(db, request.cache, clinic_id)
    deposit = await due_for_booking(db, catalogue, appointment)
    return LinkedAppointment(appointment, catalogue, clock.now(), deposit)


class OtherAppointment(NamedTuple):
    """Another appointment that was booked together with a link's own appointment."""

    start_time: datetime
    doctor: str
    type: str | None
    link: str
    appointment: Appointment


async def list_others(request: Request, linked: LinkedAppointment, token: str) -> list[OtherAppointment]:
    """Return the live appointments that were booked together with this one, for the visitor who booked them, and record
    that they were seen."""
    own, catalogue = linked.appointment, linked.catalogue
    together = await bookings.list_together(request.services.db, clinic_id=own.clinic_id, booking_id=own.booking_id)
    others = [each for each in together if each.id != own.id and each.status in LIVE]
    actor = await holder(request, token) if others else None
    if actor is None:
        return []
    subjects = [each.id for each in others]
    await audit.record(database(request, actor), actor, clinic_id=own.clinic_id, subjects=subjects)
    secret = request.services.secret_key
    return [
        OtherAppointment(
            each.start_time,
            catalogue.doctors[each.doctor_id].name,
            type.name if (id := each.appointment_type_id) and (type := catalogue.types.get(id)) else None,
            path_of(links.token(secret, each.id)),
            each,
        )
        for each in others
    ]


async def holder(request: Request, token: str) -> Actor | None:
    """Return the actor that a link represents, or None if the link is invalid."""
    actor = await links.find_holder(request.services.db, request.services.secret_key, token, clock.now())
    if actor is None:
        return None
    return msgspec.structs.replace(
        actor,
        address=request.client.host if request.client else None,
        operation=str(request.route_handler.operation_id),
    )


def appointment_id(actor: Actor) -> UUID:
    assert actor.appointment_id, "the actor holds a link"
    return actor.appointment_id


def database(request: Request, actor: Actor) -> Database:
    return request.db.within(ids.clinic_of(appointment_id(actor)))


def path_of(token: str) -> str:
    return f"/appointments/{token}"


def linked_page(request: Request, template: str, linked: LinkedAppointment, **values: Any) -> Response[Any]:
    """Render a page about a link's appointment, in the clinic's colour and with links to its legal pages."""
    return render(
        request,
        template,
        cache_control=NO_STORE,
        linked=linked,
        appointment=linked.appointment,
        linked_clinic=linked.catalogue,
        clinic_zone=linked.catalogue.time_zone,
        accent=accent_style(linked.catalogue.profile.colour),
        face_of=partial(doctor_face, language=language_for(request)),
        **values,
    )


def not_found_page(request: Request) -> Response[str]:
    return render(request, "patient/appointment_not_found.html", status_code=404, cache_control=NO_STORE)


def describe_refusal(request: Request, refusal: errors.AppointError) -> str:
    language = language_for(request)
    if isinstance(refusal, errors.VersionMismatch):
        return translate(language, "This appointment has changed. These are the current details.")
    facts: Mapping[str, object] = refusal.facts
    return translate(language, PROBLEMS[refusal.type].texts("link", facts)[0], **facts)


def version_in(fields: Mapping[str, str]) -> str | None:
    """Return the version that a form was rendered for, as an ETag."""
    version = fields.get("version", "")
    return etag(int(version)) if re.fullmatch("[1-9][0-9]{0,8}", version) else None
