"""/api/bookings"""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody

from ..clinics.clinics import service as clinics
from ..database.pool import Row
from ..http.pagination import cursor_after, page_response
from ..http.request import Request
from ..http.responses import created_response, json_response
from ..http.routes import route
from ..kit import clock
from ..kit.errors import NotFound
from ..kit.permissions import widest
from ..kit.structs import Page
from . import bookings_repository, service
from . import repository as appointments
from .bookings_model import Booking, BookingRequest
from .model import AppointmentFilter
from .request_context import (
    authorize_override,
    booking_limits,
    hold_length,
    redact,
    requested_key,
    visible_doctors,
    with_token,
)
from .rules import REASONS


class Bookings(Controller):
    tags = ["Bookings"]

    @post("/bookings", operation_id="makeBooking", opt=route(permission="book", problems=REASONS))
    async def make(self, request: Request, data: JSONBody[BookingRequest]) -> Response[Booking]:
        """Book up to 20 appointments together, all or nothing. A refusal names the `index` of the first that is in the
        way.

        Staff may set rules aside that are in the way of any of them (`override`), with a reason.
        """
        parts = data.appointments or [data]
        if any(part.clinic_id not in (None, data.clinic_id) for part in parts):
            raise NotFound
        for part in parts:
            authorize_override(request, data.override, clinic_id=data.clinic_id, doctor_id=part.doctor_id)
        booked = await service.book(
            request.services.db,
            request.cache,
            request.user,
            clinic_id=data.clinic_id,
            wishes=[(part.customer_id or data.customer_id, part) for part in parts],
            booker_id=data.customer_id,
            repeat=requested_key(request, data),
            hold_for=hold_length(request),
            override=data.override,
            caps=booking_limits(request, data.clinic_id),
            now=clock.now(),
        )
        made = booking(request, booked.rows) if booked.replayed else _whole(booked.rows)
        made.appointments = [with_token(request, appointment) for appointment in made.appointments]
        return created_response(
            request, made, f"/api/clinics/{made.clinic_id}/bookings/{made.booking_id}", replayed=booked.replayed
        )

    @get(
        "/clinics/{clinic_id:int}/bookings",
        operation_id="listClinicBookings",
        opt=route(permission="list-appointments", narrows=True),
    )
    async def of_clinic(
        self, request: Request, clinic_id: FromPath[int], query: AppointmentFilter
    ) -> Response[Page[Booking]]:
        """A clinic's bookings, by their first appointment's start, earliest first."""
        found = await bookings_repository.of_clinic(
            request.db,
            clinic_id=clinic_id,
            first=query.from_,
            last=query.to,
            doctor_ids=visible_doctors(request, query.doctor_id),
            customer_id=query.customer_id,
            status=query.status,
            after=cursor_after(request, query, tuple[datetime, UUID]),
            limit=query.limit,
        )
        if not found:
            await clinics.get(request.db, clinic_id)
        rows = await bookings_repository.appointments_of(
            request.db, clinic_id=clinic_id, booking_ids=[row["booking_id"] for row in found]
        )
        by_booking: dict[UUID, list[Row]] = {row["booking_id"]: [] for row in found}
        for row in rows:
            by_booking[row["booking_id"]].append(row)
        starts = {row["booking_id"]: row["start"] for row in found}
        return page_response(
            request,
            query,
            [booking(request, of) for of in by_booking.values()],
            lambda made: (starts[made.booking_id], made.booking_id),
        )

    @get(
        "/clinics/{clinic_id:int}/bookings/{booking_id:uuid}",
        operation_id="getBooking",
        opt=route(permission="see-appointments", owned_by="booking_id"),
    )
    async def show(self, request: Request, clinic_id: FromPath[int], booking_id: FromPath[UUID]) -> Response[Booking]:
        """One booking, with all its appointments."""
        rows = await bookings_repository.appointments_of(request.db, clinic_id=clinic_id, booking_ids=[booking_id])
        if not rows:
            raise NotFound
        return json_response(request, booking(request, rows))


def _whole(rows: list[Row]) -> Booking:
    """The booking that its appointments' rows, in order, make up."""
    first = rows[0]
    return Booking(
        first["booking_id"],
        first["clinic_id"],
        first["booker_id"] or first["customer_id"],
        [appointments.appointment(row) for row in rows],
    )


def booking(request: Request, rows: list[Row]) -> Booking:
    """The booking as the caller may see it: a doctor their own appointments of it, a patient theirs and those that they
    booked, who holds a link that one."""
    made = _whole(rows)
    mine = [row["id"] for row in rows if _is_theirs(request, row)]
    return msgspec.structs.replace(
        made, appointments=[redact(request, each) for each in made.appointments if each.id in mine]
    )


def _is_theirs(request: Request, row: Row) -> bool:
    patient = request.user.customer_id
    if patient:
        return patient in (row["customer_id"], row["booker_id"])
    if request.user.appointment_id:
        return row["id"] == request.user.appointment_id
    grant = widest(request.user, "see-appointments", row["clinic_id"])
    return grant is None or grant.doctor_id in (
        None,
        row["doctor_id"],
    )  # whoever has booked anew by their key has no grant, and sees what they made
