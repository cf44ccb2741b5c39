"""/api/appointments, /api/clinics/{clinicId}/appointments and /api/customers/{customerId}/appointments"""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, Response, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_204_NO_CONTENT

from ..clinics.clinics import service as clinics
from ..customers import service as customers
from ..http.pagination import cursor_after
from ..http.request import Request
from ..http.resources import resource_page
from ..http.responses import created_response, json_response
from ..http.routes import route
from ..http.turns import expect_turn
from ..kit import clock
from ..kit.ids import clinic_of
from ..kit.structs import Page, PageQuery
from . import repository, service, transitions
from .coupons import COUPON_REASONS, book_with_coupon
from .model import (
    Appointment,
    AppointmentPatch,
    AppointmentRequest,
    Cancellation,
    RescheduleRequest,
)
from .planning import BookingCommand, CustomerRequest
from .request_context import (
    NamedCustomer,
    authorize_customers,
    authorize_override,
    authorize_status,
    booking_limits,
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
from .reschedule import reschedule
from .selection import AppointmentListFilter
from .time_rules import REASONS

MOVE = route(
    permission="move-appointments",
    owned_by="appointment_id",
    problems=(*REASONS, "fixed-length", "wrong-status", "hold-expired", "already-started", "too-late"),
)


class Appointments(Controller):
    tags = ["Appointments"]

    @post(
        "/appointments",
        operation_id="bookAppointment",
        opt=route(permission="book", problems=(*REASONS, "in-queue", *COUPON_REASONS)),
    )
    async def book(self, request: Request, data: JSONBody[AppointmentRequest]) -> Response[Appointment]:
        """Book an appointment with a given doctor, or with any free doctor at a clinic. With `hold`, only hold the
        time.

        Instead of a time, the request can name half a day (`date` and `halfDay`). Appoint then books the first free
        time in it; if several doctors are free then, it chooses one at random. Requests that arrive together get
        different times, so they are refused only if nothing is left.

        Callers who are neither the signed-in customer nor the clinic's staff or partner systems must send the
        customer's `customerToken` from the registration; otherwise, the customer is not found.

        Without a session or API key, the appointment is on hold for at most ten minutes unless the clinic's policy says
        otherwise (`confirmAddress`). The customer receives a code, which `confirmAppointment` requires.

        If the clinic asks for a deposit, the appointment is on hold for 35 minutes instead, and `payment` says where to
        pay. The payment books it, and no code is needed.

        Staff can override rules that the appointment breaks (`override`) if they give a reason. The clinic's notice
        period and horizon apply only to patients. For patients who came without an appointment (`status`), staff can
        also book a time that began earlier today or, if they give a reason, on an earlier day.
        """
        clinic_id = data.booking_clinic_id
        await expect_turn(request, clinic_id)
        authorize_override(request, data.override, clinic_id=clinic_id, doctor_id=data.doctor_id)
        authorize_status(request, data, clinic_id=clinic_id, doctor_id=data.doctor_id)
        discreet = await authorize_customers(request, clinic_id, [NamedCustomer(data.customer_id, data.customer_token)])
        command = BookingCommand(
            clinic_id,
            [CustomerRequest(data.customer_id, data, data.requested_half_day)],
            request.user,
            hold_length(request),
            clock.now(),
            idempotency=requested_key(request, msgspec.structs.replace(data, customer_token=None)),
            override=data.override,
            limits=booking_limits(request, clinic_id),
            discreet=discreet,
            is_proven=not request.user.is_stranger,
            origin=stranger_origin(request, clinic_id),
        )
        result = await book_with_coupon(request, command, data.coupon)
        (appointment,) = result.booking.appointments
        visible = redact(request, appointment) if result.replayed else put_in_words(request, appointment)
        address = f"/api/appointments/{appointment.id}"
        payment = await payment_offer(request, [appointment])
        visible = msgspec.structs.replace(with_token(request, visible), payment=payment)
        return created_response(request, visible, address, replayed=result.replayed)

    @get(
        "/appointments/{appointment_id:uuid}",
        operation_id="getAppointment",
        opt=route(permission="see-appointments", owned_by="appointment_id"),
    )
    async def show(self, request: Request, appointment_id: FromPath[UUID]) -> Response[Appointment]:
        """Return an appointment."""
        return json_response(
            request, redact(request, await service.get(request.db, appointment_id)), subjects=[appointment_id]
        )

    @put("/appointments/{appointment_id:uuid}", operation_id="rescheduleAppointment", opt=MOVE)
    async def reschedule(
        self, request: Request, appointment_id: FromPath[UUID], data: JSONBody[RescheduleRequest]
    ) -> Response[Appointment]:
        """Move an appointment to a different time or doctor. It keeps its id.

        Patients cannot move an appointment that has started, or change a length set by its type. Staff can override
        rules that the appointment breaks (`override`) if they give a reason. The clinic's notice period and horizon
        apply only to patients: staff do not need a reason to ignore them, and `advisories` lists the ones that the move
        did not follow.
        """
        authorize_override(
            request,
            data.override,
            clinic_id=clinic_of(appointment_id),
            doctor_id=data.doctor_id or request.grant.doctor_id,
        )
        moved = await reschedule(
            request.db, request.user, appointment_id=appointment_id, to=data, if_match=request.if_match, now=clock.now()
        )
        return json_response(request, redact(request, moved))

    @patch(
        "/appointments/{appointment_id:uuid}",
        operation_id="patchAppointment",
        opt=route(permission="run-appointments", owned_by="appointment_id"),
    )
    async def change(
        self, request: Request, appointment_id: FromPath[UUID], data: JSONBody[AppointmentPatch]
    ) -> Response[Appointment]:
        """Change an appointment's notes, or the staff's own notes about it."""
        changed = await request.db.atomic(
            service.change, request.user, appointment_id=appointment_id, change=data, if_match=request.if_match
        )
        return json_response(request, redact(request, changed))

    @delete(
        "/appointments/{appointment_id:uuid}",
        operation_id="cancelAppointment",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(
            permission="move-appointments",
            owned_by="appointment_id",
            problems=("wrong-status", "already-started", "too-late"),
            headers=("Undo-URL",),
        ),
    )
    async def cancel(self, request: Request, appointment_id: FromPath[UUID], query: Cancellation) -> Response[None]:
        """Cancel an appointment. Cancelling it again has no effect.

        Patients cannot cancel an appointment once it has started, or within the clinic's notice period. Staff can undo
        the cancellation with the URL in the response's `Undo-URL` header.
        """
        authorize_override(
            request, query.override, clinic_id=clinic_of(appointment_id), doctor_id=request.grant.doctor_id
        )
        await request.db.atomic(
            transitions.cancel,
            request.user,
            appointment_id=appointment_id,
            reason=query.reason,
            override_reason=query.override_reason,
            if_match=request.if_match,
            now=clock.now(),
        )
        return Response(None, headers=await undo_headers(request, appointment_id))

    @get(
        "/clinics/{clinic_id:int}/appointments",
        operation_id="listClinicAppointments",
        opt=route(permission="list-appointments", narrows=True),
    )
    async def of_clinic(
        self, request: Request, clinic_id: FromPath[int], query: AppointmentListFilter
    ) -> Response[Page[Appointment]]:
        """List a clinic's appointments, earliest first or, with `updatedSince`, ordered by their last change."""
        selection, since = visible_selection(request, query), query.updated_since
        appointments = await (
            repository.list_changed_for_clinic(request.db, clinic_id, selection, since=since)
            if since
            else repository.list_for_clinic(request.db, clinic_id, selection)
        )
        if not appointments:
            await clinics.get(request.db, clinic_id)
        visible = [redact(request, appointment) for appointment in appointments]
        return resource_page(request, query, visible, _by_change if since else _by_start)

    @get(
        "/customers/{customer_id:uuid}/appointments",
        operation_id="listCustomerAppointments",
        opt=route(permission="see-customers", owned_by="customer_id"),
    )
    async def of_customer(
        self, request: Request, customer_id: FromPath[UUID], query: PageQuery
    ) -> Response[Page[Appointment]]:
        """List a customer's appointments at all clinics, earliest first."""
        appointments = await repository.list_for_customer(
            request.db,
            customer_id=customer_id,
            after=cursor_after(request, query, tuple[datetime, UUID]),
            limit=query.limit,
        )
        if not appointments:
            await customers.get(request.db, customer_id)
        return resource_page(
            request,
            query,
            [redact(request, appointment) for appointment in appointments],
            _by_start,
            parent=customer_id,
        )


def _by_start(appointment: Appointment) -> tuple[datetime, UUID]:
    return appointment.start_time, appointment.id


def _by_change(appointment: Appointment) -> tuple[datetime, UUID]:
    return appointment.updated_at, appointment.id
