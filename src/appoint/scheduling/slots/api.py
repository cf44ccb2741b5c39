"""/api/doctors/{doctorId}/bookingSlots, /api/bookingSlots and /api/availability/createBookingSlots"""

from datetime import datetime
from uuid import UUID

from litestar import Controller, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT
from msgspec import UNSET

from ... import audit
from ...booking.book import book
from ...booking.planning import BookingCommand, CustomerRequest
from ...booking.request_context import copy_customers, hold_length, redact
from ...booking.time_rules import REASONS, TimeRequest
from ...clinics.doctors import service as doctors
from ...http.access import authorize
from ...http.etags import etag
from ...http.pagination import cursor_after, page_response
from ...http.request import Request
from ...http.resources import idempotent_resource, idempotent_result
from ...http.responses import created_response, json_response, replay_headers
from ...http.routes import route
from ...kit import clock, errors
from ...kit.ids import clinic_of
from ...kit.permissions import widest_grant
from ...kit.structs import Page
from . import repository, service
from .model import (
    BookingSlot,
    BookingSlotChange,
    BookingSlotContent,
    BookingSlotFilter,
    Generated,
    GenerationRequest,
)

MANUAL_PROBLEMS = ("clinic-inactive", "doctor-inactive", "crosses-midnight", "slots-overlap")


class BookingSlots(Controller):
    """Ranges in which doctors can be booked. Only the clinic sees a slot's customers and appointments."""

    tags = ["Booking slots"]

    @get("/doctors/{doctor_id:uuid}/bookingSlots", operation_id="listBookingSlots", opt=route(permission="public"))
    async def of_doctor(
        self, request: Request, doctor_id: FromPath[UUID], query: BookingSlotFilter
    ) -> Response[Page[BookingSlot]]:
        """List a doctor's published slots, earliest first."""
        slots = await repository.list_for_doctor(
            request.db,
            doctor_id,
            first=query.from_,
            last=query.to,
            status=query.status,
            after=cursor_after(request, query, tuple[datetime]),
            limit=query.limit,
            now=clock.now(),
        )
        if not slots:
            await doctors.get(request.db, doctor_id)
        return page_response(
            request, query, await self._for_caller(request, doctor_id, slots), lambda slot: (slot.start_time,)
        )

    @post(
        "/bookingSlots",
        operation_id="createBookingSlot",
        opt=route(permission="schedule", narrows=True, problems=MANUAL_PROBLEMS),
    )
    async def create(self, request: Request, data: JSONBody[BookingSlotContent]) -> Response[BookingSlot]:
        """Publish a slot manually, even where one was removed manually."""
        authorize(request, clinic_id=clinic_of(data.doctor_id), doctor_id=data.doctor_id)
        slot, replayed = await idempotent_resource(
            request, data, lambda tx: service.publish(tx, request.user, content=data), service.get
        )
        return created_response(request, slot, f"/api/bookingSlots/{slot.id}", replayed=replayed)

    @get("/bookingSlots/{booking_slot_id:uuid}", operation_id="getBookingSlot", opt=route(permission="public"))
    async def find(self, request: Request, booking_slot_id: FromPath[UUID]) -> Response[BookingSlot]:
        """Return a slot, whether published or manually removed."""
        return await self._response(request, booking_slot_id)

    @put(
        "/bookingSlots/{booking_slot_id:uuid}",
        operation_id="replaceBookingSlot",
        opt=route(
            permission="schedule",
            owned_by="booking_slot_id",
            problems=(*dict.fromkeys((*MANUAL_PROBLEMS, "slot-has-appointments", *REASONS)),),
        ),
    )
    async def replace(
        self, request: Request, booking_slot_id: FromPath[UUID], data: JSONBody[BookingSlotChange]
    ) -> Response[BookingSlot]:
        """Change a slot's times, or book the whole slot for a customer; booking it again for the same customer has
        no effect. Giving a removed slot new times restores it."""
        if data.customer_id:
            await service.check_version(request.db, booking_slot_id, if_match=request.if_match)
            await copy_customers(request, [data.customer_id])
            time = TimeRequest(booking_slot_id=booking_slot_id)
            command = BookingCommand(
                clinic_of(booking_slot_id),
                [CustomerRequest(data.customer_id, time)],
                request.user,
                hold_length(request),
                clock.now(),
            )
            try:
                await book(request.db, request.cache, command)
            except errors.Conflict:
                if not await service.is_booked_for(request.db, booking_slot_id, customer_id=data.customer_id):
                    raise
        elif data.start_time and data.end_time:
            await request.db.atomic(
                service.move,
                request.user,
                booking_slot_id=booking_slot_id,
                start=data.start_time,
                end=data.end_time,
                if_match=request.if_match,
                now=clock.now(),
            )
        return await self._response(request, booking_slot_id)

    @delete(
        "/bookingSlots/{booking_slot_id:uuid}",
        operation_id="removeBookingSlot",
        status_code=HTTP_204_NO_CONTENT,
        opt=route(permission="schedule", owned_by="booking_slot_id", problems=("slot-has-appointments",)),
    )
    async def remove(self, request: Request, booking_slot_id: FromPath[UUID]) -> None:
        """Remove a slot manually. Slot generation does not publish its time again, but it can still be published
        manually."""
        await request.db.atomic(
            service.remove, request.user, booking_slot_id=booking_slot_id, if_match=request.if_match, now=clock.now()
        )

    @post(
        "/availability/createBookingSlots",
        operation_id="generateBookingSlots",
        status_code=HTTP_200_OK,
        opt=route(permission="schedule", narrows=True),
    )
    async def generate(self, request: Request, data: JSONBody[GenerationRequest]) -> Response[Generated]:
        """Publish the weekly schedules for a range of dates. Time that is already published or was manually removed
        does not change."""
        authorize(request, clinic_id=data.clinic_id, doctor_id=data.doctor_id)
        generated, replayed = await idempotent_result(
            request,
            data,
            lambda tx: service.generate(
                tx, request.user, clinic_id=data.clinic_id, doctor_id=data.doctor_id, first=data.from_, last=data.to
            ),
            Generated,
        )
        return json_response(request, generated, headers=replay_headers(replayed))

    async def _response(self, request: Request, booking_slot_id: UUID) -> Response[BookingSlot]:
        (slot,) = await self._for_caller(request, booking_slot_id, [await service.get(request.db, booking_slot_id)])
        if slot.appointments is UNSET:
            return json_response(request, slot)
        return Response(
            slot, headers={"ETag": etag(slot.version), "Cache-Control": "no-store"}
        )  # a booking does not change the slot's version

    async def _for_caller(self, request: Request, some_id: UUID, slots: list[BookingSlot]) -> list[BookingSlot]:
        """Return the slots with the customers and appointments that the caller may see. `some_id` is any of the
        clinic's ids."""
        grant = (
            widest_grant(request.user, "list-appointments", clinic_of(some_id))
            if request.user.memberships or request.user.administrator
            else None
        )
        visible = [slot for slot in slots if grant and grant.doctor_id in (None, slot.doctor_id)]
        if not visible:
            return slots
        appointments = await repository.list_appointments(request.db, clinic_of(some_id), [slot.id for slot in visible])
        if request.method == "GET":  # changes record their own entries
            await audit.record(
                request.services.db,
                request.user,
                clinic_id=clinic_of(some_id),
                subjects=[some_id, *(slot.id for slot in visible)],
            )
        return [
            slot.with_appointments([redact(request, appointment) for appointment in appointments[slot.id]])
            if slot in visible
            else slot
            for slot in slots
        ]
