"""Appointments, their statuses and transitions, and the requests that change them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from ..clinics.appointment_types.model import Mode
from ..customers.model import CustomerToken
from ..kit import errors, fields, ids
from ..kit.money import Money
from ..kit.structs import RequestBody, Resource
from .availability.model import Range
from .confirmation.message import Confirmation
from .half_day_requests import HalfDayRequest
from .policy import Advisory
from .steps import UndoOffer
from .time_rules import BookedCode, Override, Reason, Rule


class Status(StrEnum):
    """The FHIR R4 `AppointmentStatus` values that Appoint uses."""

    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CHECKED_IN = "checked-in"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"


LIVE: Final = frozenset(Status) - {Status.CANCELLED, Status.NOSHOW}
"""Appointments with these statuses occupy the doctor's and the customer's time."""


class Transition(NamedTuple):
    """A status change and the event that it appends."""

    sources: frozenset[Status]
    target: Status
    event: str


TRANSITIONS: Final[Mapping[str, Transition]] = {
    "confirm": Transition(frozenset({Status.PENDING}), Status.BOOKED, "appointment.booked"),
    "arrive": Transition(frozenset({Status.BOOKED, Status.NOSHOW}), Status.ARRIVED, "appointment.arrived"),
    "unarrive": Transition(frozenset({Status.ARRIVED}), Status.BOOKED, "appointment.unarrived"),
    "checkIn": Transition(frozenset({Status.BOOKED, Status.ARRIVED}), Status.CHECKED_IN, "appointment.checked-in"),
    "enterRoom": Transition(
        frozenset({Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN}), Status.CHECKED_IN, "appointment.in-room"
    ),
    "fulfil": Transition(frozenset({Status.ARRIVED, Status.CHECKED_IN}), Status.FULFILLED, "appointment.fulfilled"),
    "noShow": Transition(frozenset({Status.BOOKED}), Status.NOSHOW, "appointment.missed"),
    "cancel": Transition(
        frozenset({Status.PENDING, Status.BOOKED, Status.ARRIVED, Status.CHECKED_IN}),
        Status.CANCELLED,
        "appointment.cancelled",
    ),
}
MOVABLE: Final = frozenset({Status.PENDING, Status.BOOKED})
"""Appointments with these statuses can be rescheduled."""
MOVABLE_BY_STAFF: Final = MOVABLE | {Status.ARRIVED, Status.CHECKED_IN}
"""Staff can also reschedule waiting patients. On a different day, the status returns to `booked`."""


class PaymentOffer(msgspec.Struct, rename="camel", frozen=True):
    """The payment that turns a hold into a booking, and where to make it."""

    url: Annotated[str, msgspec.Meta(examples=["https://appoint.example/appointments/apm_AAAAAQGXgYw/pay"])]
    """The page that asks for the payment. It also works without an account."""
    amount: Money
    expires_at: datetime
    """When the hold expires."""


class Appointment(Resource):
    id: UUID
    booking_id: UUID
    clinic_id: int
    doctor_id: UUID
    customer_id: UUID
    appointment_type_id: UUID | None
    start_time: datetime
    end_time: datetime
    time_zone: str
    status: Status
    hold_expires_at: datetime | None
    cancel_reason: str | None
    needs_rebooking: bool
    """Whether an absence or a schedule change has left the appointment outside the doctor's hours."""
    price: Money | None
    notes: str | None
    overrides: list[Rule]
    """The rules that staff overrode for this appointment."""
    override_reason: str | None
    """The reason for overriding them. Visible only to staff."""
    arrived_at: datetime | None
    """When the patient arrived."""
    in_room_at: datetime | None
    """When the patient entered the room. The status is then `checked-in` until the appointment is completed."""
    staff_notes: str | None
    """The staff's own notes. Visible only to staff, unlike `notes`, which the patient may have written."""
    manage_token: (
        Annotated[str, msgspec.Meta(examples=["apm_AAAAAQGXgYwMIgIB-WYVCA.GJ3EGXa0tZ8ySSUf3PCLX9zVn4g"])] | UnsetType
    ) = UNSET
    """A bearer token for seeing, moving and cancelling this appointment. It is also the last part of the address of the
    appointment's page, `/appointments/{manageToken}`. Only responses to the booking request and its repeats contain it.
    """
    confirmation: Confirmation | UnsetType = UNSET
    """Where the code was sent. Present while the appointment is on hold until the customer confirms their address.
    Confirm the appointment with the code before the hold expires.
    """
    payment: PaymentOffer | UnsetType = UNSET
    """The deposit that the customer has to pay before this appointment is booked. Only responses to the booking request
    and its repeats contain it, while the appointment is on hold. If several appointments are booked together, the
    booking contains one payment for all of them.
    """
    advisories: list[Advisory] | UnsetType = UNSET
    """The rules for patients that this request did not follow. Only responses to staff contain them; they require no
    action.
    """
    undo: UndoOffer | None = None
    """How staff can undo the booking, or the last change of time or status. null for other callers, and if there is
    nothing to undo.
    """


class AppointmentDetails(Appointment, kw_only=True):
    """An appointment with the details that its manage link shows."""

    sequence: int
    """The calendar revision number (RFC 5545 `SEQUENCE`)."""
    clinic: str
    slug: str | None
    address: str | None
    phone: str | None
    email: str | None
    """The clinic's email address."""
    doctor: str
    type: str | None
    mode: Mode
    preparation: str | None
    """What the patient should bring, or do before the appointment."""
    sent_to: str | None
    """The customer's email address or phone number."""
    code_sent_to: str | None
    """The masked address that the code was sent to, or None if the appointment needs no code."""


class CustomerVisit(msgspec.Struct, frozen=True):
    """An appointment in a customer's own list, with the names that the customer sees."""

    id: UUID
    clinic_id: int
    start_time: datetime
    end_time: datetime
    time_zone: str
    status: Status
    clinic: str
    slug: str | None
    active: bool
    """Whether the clinic is active."""
    doctor: str
    type: str | None
    for_whom: str
    """The patient's name."""
    link_number: int
    """The number of the manage link that is valid."""


class CancelCause(StrEnum):
    """The machine-readable cause of a cancellation. `cancel_reason` is the human-readable reason."""

    REQUEST = "request"
    HOLD_EXPIRED = "hold-expired"
    UNDONE = "undone"
    """Staff undid the booking."""


class StoredAppointment(NamedTuple):
    """An appointment with details that only the use cases need."""

    appointment: Appointment
    claim: Range
    """The part of the doctor's time that the appointment occupies, including buffers."""
    version: int
    cancel_cause: CancelCause | None


class BookedAppointments(NamedTuple):
    """One booking's appointments, in request order."""

    appointments: list[Appointment]
    booker_id: UUID | None
    """The booker, if different from the customer."""


class AppointmentRequest(HalfDayRequest, kw_only=True):
    """A request to book one appointment for a customer."""

    EXAMPLE: ClassVar = {
        "customerId": "01978a5c-7d3e-7a63-84f7-074d226b3d5d",
        "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d",
        "startTime": "2027-03-01T08:30:00Z",
        "appointmentTypeId": "00000001-0197-82e3-8f22-029f62866244",
    }

    customer_id: UUID
    customer_token: CustomerToken | None = None
    """The token from the customer's registration."""
    clinic_id: fields.ClinicNumber | None = None
    """Required if neither `doctorId` nor `bookingSlotId` is given; the clinic's policy then chooses a free doctor."""
    coupon: BookedCode | None = None
    """A coupon's code. Its discount is taken off the invoice."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.doctor_id or self.clinic_id or self.booking_slot_id):
            raise errors.Invalid(errors.Fault("#/doctorId", "is required; to accept any doctor, send clinicId instead"))

    @property
    def booking_clinic_id(self) -> int:
        """The requested clinic, or else the clinic that the doctor's or slot's id belongs to."""
        id = self.doctor_id or self.booking_slot_id
        return self.clinic_id or (ids.clinic_of(id) if id else ids.PLATFORM)


class RescheduleRequest(RequestBody):
    """A new time for an appointment, on whole minutes. The appointment keeps its length if no end is given, and its
    doctor if no doctor is given."""

    EXAMPLE: ClassVar = {
        "startTime": "2027-03-01T08:30:00Z",
        "endTime": "2027-03-01T09:00:00Z",
        "doctorId": "00000001-0197-8cb1-8c0b-0be260bd516d",
    }

    start_time: fields.Minute
    end_time: fields.Minute | None = None
    doctor_id: UUID | None = None
    any_doctor: bool = False
    """Accept any doctor who offers the appointment's type, preferring its current doctor."""
    override: Override | None = None
    """Staff only."""

    def __post_init__(self) -> None:
        if self.doctor_id and self.any_doctor:
            raise errors.Invalid(errors.Fault("#/anyDoctor", "cannot be combined with doctorId"))
        if self.end_time:
            fields.check_times(self.start_time, self.end_time)


class AppointmentPatch(RequestBody):
    notes: fields.Text | None | UnsetType = UNSET
    staff_notes: fields.Text | None | UnsetType = UNSET
    """Visible only to staff."""


class Cancellation(RequestBody):
    reason: fields.ShortText | None = None
    """Stored with the appointment."""
    override: Literal["too-late"] | None = None
    """Staff only: cancel within the clinic's notice period."""
    override_reason: Reason | None = None
    """The reason for the override."""

    def __post_init__(self) -> None:
        if bool(self.override) != bool(self.override_reason):
            absent, other = ("override", "overrideReason") if self.override_reason else ("overrideReason", "override")
            raise errors.Invalid(errors.Fault(f"#/{absent}", "is required if {other} is given", other=other))


def has_own_hours(appointment: Appointment) -> bool:
    """Return whether hours may have been published for this appointment alone."""
    return appointment.needs_rebooking or "outside-hours" in appointment.overrides


class Deviations(NamedTuple):
    """The rules that a change by staff did not follow."""

    overrides: Sequence[Rule] = ()
    """The ones that staff gave a reason for."""
    advisories: Sequence[Advisory] = ()


def audit_reason(overrides: Iterable[str], advisories: Iterable[str] = ()) -> str | None:
    """Return the reason for the audit entry: the rules that were overridden, and the patient rules that were not
    followed. Leave out the reason that staff gave, because it may name people."""
    groups = (("override", overrides), ("staff", advisories))
    parts = [f"{name}: {', '.join(dict.fromkeys(rules))}" for name, rules in groups if rules]
    return "; ".join(parts) or None
