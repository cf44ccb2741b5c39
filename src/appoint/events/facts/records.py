"""Facts about clinics, doctors, appointment types, customers and webhooks."""

from typing import Literal
from uuid import UUID

from msgspec import UNSET, UnsetType

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


class PatientFact(Fact):
    customer_id: UUID


class PatientCorrected(PatientFact):
    """A clinic's staff corrected a patient's details. For the current details, read the patient from the API."""

    correction_id: UUID
    details: list[Literal["name", "email", "phone", "locale", "birthDate", "postalAddress"]]


class PatientJoined(PatientFact):
    """A clinic's staff joined a patient's record with others that belong to the same person."""

    main_id: UUID
    """The customer whose record represents the person."""


class PatientSeparated(PatientFact):
    """A clinic's staff separated a patient's record from others."""


class GuardianshipFact(Fact):
    guardian_id: UUID
    ward_id: UUID


class GuardianshipAdded(GuardianshipFact):
    """Someone can now book for someone else, as a guardian. The clinic that granted it receives this event."""


class GuardianshipEnded(GuardianshipFact):
    """A guardian can no longer book for someone else, because one of the two or the clinic ended it, or because it
    expired.
    """


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

    old_mode: Literal["inPerson", "online"] | UnsetType = UNSET
    """Set if the type has changed from in person to online, or from online to in person. Its upcoming appointments
    have changed with it, and their patients get a message."""


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
