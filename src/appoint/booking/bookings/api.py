"""/api/bookings and /api/clinics/{clinicId}/bookings"""

from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from ...clinics.clinics import service as clinics
from ...http.pagination import page_response
from ...http.request import Request, idempotency_key
from ...http.responses import created_response, json_response
from ...http.routes import route
from ...http.turns import expect_turn
from ...kit import clock
from ...kit.errors import NotFound
from ...kit.permissions import widest_grant
from ...kit.structs import Page
from ..confirmation import service as confirmation
from ..confirmation.model import CONFIRMATION_PROBLEMS, ConfirmationCode
from ..confirmation.service import CodeEntry
from ..coupons import COUPON_REASONS, book_with_coupon
from ..model import Appointment, BookedAppointments, Cancellation, Status
from ..planning import BookingCommand, CustomerRequest
from ..request_context import (
    NamedCustomer,
    authorize_customers,
    authorize_override,
    authorize_status,
    booking_limits,
    customer_limits,
    hold_length,
    payment_offer,
    put_in_words,
    redact,
    requested_key,
    stranger_origin,
    undo_headers,
    visible_selection,
    with_token,
)
from ..time_rules import REASONS
from . import repository, service
from .model import Booking, BookingListFilter, BookingRequest

MAX_BOOKING_BYTES = 128 * 1024
"""Enough for 20 appointments with a note of 5,000 characters each."""


class Bookings(Controller):
    tags = ["Bookings"]

    @post(
        "/bookings",
        operation_id="makeBooking",
        opt=route(permission="book", problems=(*REASONS, "in-queue", *COUPON_REASONS)),
        request_max_body_size=MAX_BOOKING_BYTES,
    )
    async def make(self, request: Request, data: JSONBody[BookingRequest]) -> Response[Booking]:
        """Book up to 20 appointments together, all or nothing. A refusal contains the `index` of the first refused
        appointment.

        Callers who are neither the signed-in customer nor the clinic's staff or partner systems must send each
        customer's `customerToken` from the registration; otherwise, the customer is not found.

        Without a session or API key, the appointments are on hold for at most ten minutes unless the clinic's policy
        says otherwise (`confirmAddress`). The booking's customer receives a code, which `confirmBooking` requires. The
        other customers must have the same address or none.

        If the clinic asks for a deposit for any of the appointments, all of them are on hold for 35 minutes instead,
        and `payment` says where to pay. The payment books them, and no code is needed.

        Staff can override rules for all of the appointments (`override`) if they give a reason.
        """
        parts = data.appointments or [data]
        if any(part.clinic_id not in (None, data.clinic_id) for part in parts):
            raise NotFound
        await expect_turn(request, data.clinic_id)
        for part in parts:
            authorize_override(request, data.override, clinic_id=data.clinic_id, doctor_id=part.doctor_id)
            authorize_status(request, part, clinic_id=data.clinic_id, doctor_id=part.doctor_id)
        await request.services.limits.count(request, request.user, "bookings", number=len(parts) - 1)
        discreet = await authorize_customers(request, data.clinic_id, _named_customers(data))
        command = BookingCommand(
            data.clinic_id,
            [CustomerRequest(part.customer_id or data.customer_id, part) for part in parts],
            request.user,
            hold_length(request),
            clock.now(),
            booker_id=data.customer_id,
            idempotency=requested_key(request, _without_tokens(data)),
            override=data.override,
            limits=booking_limits(request, data.clinic_id),
            discreet=discreet,
            is_proven=not request.user.is_stranger,
            origin=stranger_origin(request, data.clinic_id),
        )
        result = await book_with_coupon(request, command, data.coupon)
        booking = visible_booking(request, result.booking) if result.replayed else _booking(result.booking)
        booking.payment = await payment_offer(request, result.booking.appointments)
        booking.appointments = [with_token(request, put_in_words(request, each)) for each in booking.appointments]
        address = f"/api/clinics/{booking.clinic_id}/bookings/{booking.booking_id}"
        return created_response(request, booking, address, replayed=result.replayed)

    @get(
        "/clinics/{clinic_id:int}/bookings",
        operation_id="listClinicBookings",
        opt=route(permission="list-appointments", narrows=True),
    )
    async def of_clinic(
        self, request: Request, clinic_id: FromPath[int], query: BookingListFilter
    ) -> Response[Page[Booking]]:
        """List a clinic's bookings that contain a matching appointment, ordered by the start of the first such
        appointment or, with `updatedSince`, by when one of them last changed."""
        selection, since = visible_selection(request, query), query.updated_since
        page = await (
            repository.list_changed_for_clinic(request.db, clinic_id, selection, since=since)
            if since
            else repository.list_for_clinic(request.db, clinic_id, selection)
        )
        if not page:
            await clinics.get(request.db, clinic_id)
        places = dict(page)
        bookings = await repository.load_bookings(request.db, clinic_id=clinic_id, booking_ids=list(places))
        return page_response(
            request,
            query,
            [visible_booking(request, bookings[booking_id]) for booking_id in places],
            lambda booking: (places[booking.booking_id], booking.booking_id),
            subject=lambda booking: booking.booking_id,
        )

    @get(
        "/clinics/{clinic_id:int}/bookings/{booking_id:uuid}",
        operation_id="getBooking",
        opt=route(permission="see-appointments", owned_by="booking_id"),
    )
    async def show(self, request: Request, clinic_id: FromPath[int], booking_id: FromPath[UUID]) -> Response[Booking]:
        """Return a booking with its appointments."""
        booking = visible_booking(request, await self._load(request, clinic_id, booking_id))
        return json_response(request, booking, subjects=[booking_id])

    @post(
        "/clinics/{clinic_id:int}/bookings/{booking_id:uuid}/confirm",
        operation_id="confirmBooking",
        status_code=HTTP_200_OK,
        opt=route(permission="move-appointments", owned_by="booking_id", problems=CONFIRMATION_PROBLEMS),
    )
    async def confirm(
        self,
        request: Request,
        clinic_id: FromPath[int],
        booking_id: FromPath[UUID],
        data: JSONBody[ConfirmationCode | None] = None,
    ) -> Response[Booking]:
        """Confirm a booking's held appointments, all or none.

        If the response to the booking contains a `confirmation`, a caller with a manage link for one of the
        appointments needs the `code` from the message; signed-in customers, staff and partners do not. Each code allows
        five attempts.
        """
        idempotency_key(request)  # a repeat changes nothing, so only check the header
        by_code = request.user.is_stranger and await confirmation.confirm_booking(
            request.services.db.across(),
            request.user,
            booking_id=booking_id,
            entry=CodeEntry(data.code if data and data.code else None, request.services.secret_key),
            limits=customer_limits(request),
            now=clock.now(),
        )
        if not by_code:
            stored = await self._load(request, clinic_id, booking_id)
            visible = [appointment.id for appointment in visible_booking(request, stored).appointments]
            await request.db.atomic(
                confirmation.confirm_held, request.user, booking_id=booking_id, among=visible, now=clock.now()
            )
        booking = visible_booking(request, await self._load(request, clinic_id, booking_id))
        return json_response(request, booking)

    async def _load(self, request: Request, clinic_id: int, booking_id: UUID) -> BookedAppointments:
        bookings = await repository.load_bookings(request.db, clinic_id=clinic_id, booking_ids=[booking_id])
        if not bookings:
            raise NotFound
        return bookings[booking_id]

    @delete(
        "/clinics/{clinic_id:int}/bookings/{booking_id:uuid}",
        operation_id="cancelBooking",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(
            permission="move-appointments",
            owned_by="booking_id",
            problems=("wrong-status", "already-started", "too-late"),
            headers=("Undo-URL",),
        ),
    )
    async def cancel(
        self, request: Request, clinic_id: FromPath[int], booking_id: FromPath[UUID], query: Cancellation
    ) -> Response[None]:
        """Cancel all of a booking's appointments that the caller may cancel, or none of them. A refusal contains the
        `index` of an appointment that cannot be cancelled. Cancelling again has no effect. Staff can undo the
        cancellation with the URL in the response's `Undo-URL` header."""
        authorize_override(request, query.override, clinic_id=clinic_id, doctor_id=request.grant.doctor_id)
        bookings = await repository.load_bookings(request.db, clinic_id=clinic_id, booking_ids=[booking_id])
        if not bookings:
            raise NotFound
        appointments = visible_booking(request, bookings[booking_id]).appointments
        await request.db.atomic(
            service.cancel, request.user, appointments=appointments, cancellation=query, now=clock.now()
        )
        last = min(appointments, key=lambda appointment: appointment.status == Status.CANCELLED)
        return Response(None, headers=await undo_headers(request, last.id))


def _named_customers(data: BookingRequest) -> list[NamedCustomer]:
    """Return the booking's customer and the customers named in its appointments."""
    others = [
        NamedCustomer(part.customer_id, part.customer_token) for part in data.appointments or () if part.customer_id
    ]
    return [NamedCustomer(data.customer_id, data.customer_token), *others]


def _without_tokens(data: BookingRequest) -> BookingRequest:
    """Return the request without its tokens, so that a repeat with new ones counts as the same request."""
    replace = msgspec.structs.replace
    parts = data.appointments and [replace(part, customer_token=None) for part in data.appointments]
    return replace(data, customer_token=None, appointments=parts)


def _booking(stored: BookedAppointments) -> Booking:
    first = stored.appointments[0]
    return Booking(first.booking_id, first.clinic_id, stored.booker_id or first.customer_id, stored.appointments)


def visible_booking(request: Request, stored: BookedAppointments) -> Booking:
    """Return the booking with only the appointments that the caller may see. Doctors and patients see their own,
    patients also see those that they booked for others, and the holder of a manage link sees just one."""
    visible = [
        appointment for appointment in stored.appointments if _is_visible(request, appointment, stored.booker_id)
    ]
    return msgspec.structs.replace(
        _booking(stored), appointments=[redact(request, appointment) for appointment in visible]
    )


def _is_visible(request: Request, appointment: Appointment, booker_id: UUID | None) -> bool:
    patient = request.user.customer_id
    if patient:
        return patient in (appointment.customer_id, booker_id)
    if request.user.appointment_id:
        return appointment.id == request.user.appointment_id
    grant = widest_grant(request.user, "see-appointments", appointment.clinic_id)
    # a caller repeating a request may have lost the grant since, but still sees what they booked
    return grant is None or grant.doctor_id in (None, appointment.doctor_id)
