"""Facts about clinics, doctors, appointment types, customers and webhooks."""

from uuid import UUID

from .base import Fact, Instant


class CustomerFact(Fact):
    customer_id: UUID


class CustomerRegistered(CustomerFact):
    """A customer was registered on the platform."""


class CustomerChanged(CustomerFact):
    """A customer's data changed."""

    active: bool


class CustomerRemoved(CustomerFact):
    """A customer was removed."""


class CustomerErased(Fact):
    """A customer was erased: recipients must erase the customer's data too. Each clinic that had the customer as a
    patient receives this event."""

    customer_id: UUID


class OfferFact(Fact):
    """A change to what can be booked. For details, read the subject from the API."""

    active: bool
    """Whether it can be booked."""


class DoctorAdded(OfferFact):
    """A doctor was added to a clinic."""


class DoctorChanged(OfferFact):
    """A doctor's data or appointment types changed, or a removed doctor was restored."""


class DoctorRemoved(OfferFact):
    """A doctor was removed, and their future free time withdrawn."""


class AppointmentTypeAdded(OfferFact):
    """An appointment type was added to a clinic."""


class AppointmentTypeChanged(OfferFact):
    """An appointment type changed, or a removed one was restored."""


class AppointmentTypeRemoved(OfferFact):
    """An appointment type was removed. Existing appointments keep it."""


class ClinicCreated(Fact):
    """A clinic was created."""


class ClinicChanged(OfferFact):
    """A clinic's data or policy changed, or a deactivated clinic was activated again."""


class ClinicDeactivated(Fact):
    """A clinic was deactivated, along with any doctors, time slots and schedule lines that were still active."""

    doctors: int
    time_slots: int


class WebhookDisabled(Fact):
    """A webhook failed for too long and no longer receives deliveries."""

    failing_since: Instant
