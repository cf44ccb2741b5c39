"""A clinic's catalogue: its policy, doctors and appointment types, with their versions."""

from datetime import date, datetime, timedelta
from functools import cached_property
from operator import attrgetter
from uuid import UUID

import msgspec

from ...kit import clock
from ...kit.fields import Locale
from ...kit.money import Discount, Money, portion
from ..appointment_types.model import Mode
from ..audience import Patients, is_selective
from ..clinics.model import ConfirmAddress, DoctorChoice, Profile


class CatalogueDoctor(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    name: str
    specialty: str | None
    active: bool
    appointment_type_ids: frozenset[UUID] | None
    """None for all the clinic's types."""
    title: str | None = None
    languages: tuple[str, ...] = ()
    specialties: tuple[str, ...] = ()
    """SNOMED CT codes."""
    min_age: int | None = None
    max_age: int | None = None
    patients: Patients = "everyone"
    portrait_hash: str | None = None

    def offers(self, appointment_type_id: UUID | None) -> bool:
        return (
            appointment_type_id is None
            or self.appointment_type_ids is None
            or appointment_type_id in self.appointment_type_ids
        )


class CatalogueType(msgspec.Struct, frozen=True):
    id: UUID
    version: int
    name: str
    description: str | None
    mode: Mode
    active: bool
    minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    price_amount: int | None
    price_currency: str | None
    min_age: int | None = None
    max_age: int | None = None
    patients: Patients = "everyone"
    position: int = 0
    preparation: str | None = None
    """What patients should bring, or do before the appointment."""

    @property
    def price(self) -> Money | None:
        return (
            Money(self.price_amount, self.price_currency)
            if self.price_amount is not None and self.price_currency
            else None
        )


class Deposit(msgspec.Struct, frozen=True):
    """What patients pay before an appointment is booked: an amount, or a share of the price."""

    appointment_type_id: UUID | None
    """None for the clinic's types that have no deposit of their own."""
    amount: int | None
    """In minor units, and at most the price."""
    percent: int | None


class Catalogue(msgspec.Struct, frozen=True, dict=True):
    clinic_id: int
    version: int
    name: str
    slug: str | None
    time_zone: str
    locale: Locale
    address: str | None
    active: bool
    slot_step_minutes: int
    min_notice_minutes: int
    horizon_days: int
    cancel_notice_minutes: int
    change_grace_minutes: int
    phone: str | None
    doctor_choice: DoctorChoice
    require_version: bool
    confirm_address: ConfirmAddress
    doctors: dict[UUID, CatalogueDoctor]
    types: dict[UUID, CatalogueType]
    profile: Profile = msgspec.field(default_factory=Profile)
    logo_hash: str | None = None
    photo_hash: str | None = None
    deposits: tuple[Deposit, ...] = ()

    def deposit_for(self, type_id: UUID | None, price: Money | None, discount: Discount | None = None) -> Money | None:
        """Return what patients pay before an appointment of this type is booked, or None if they pay nothing yet.

        It is a share of what is left of the price after the discount, or an amount that is at most that.
        """
        own_or_shared = {each.appointment_type_id: each for each in self.deposits}
        deposit = own_or_shared.get(type_id) or own_or_shared.get(None)
        if deposit is None or price is None:
            return None
        left = price.amount - (discount.of(price.amount) if discount else 0)
        amount = portion(left, percent=deposit.percent, amount=deposit.amount)
        return Money(amount, price.currency) if amount else None

    @cached_property
    def is_selective(self) -> bool:
        """Whether any of the clinic's doctors or types is only for some patients."""
        return any(map(is_selective, self.doctors.values())) or any(map(is_selective, self.types.values()))

    @property
    def bookable_types(self) -> list[CatalogueType]:
        """The active types that any doctor offers, in the clinic's order.

        If there are none, patients book whole slots.
        """
        return [type for type in self.active_types if self.doctors_for(type.id)]

    @property
    def active_types(self) -> list[CatalogueType]:
        """The types that the clinic offers, in its own order."""
        return sorted((type for type in self.types.values() if type.active), key=attrgetter("position", "name"))

    @cached_property
    def has_bookable_types(self) -> bool:
        return any(type.active and self.doctors_for(type.id) for type in self.types.values())

    def earliest_start(self, now: datetime) -> datetime:
        """Return the earliest bookable start, after the clinic's minimum notice."""
        return now + timedelta(minutes=self.min_notice_minutes)

    def last_change(self, start: datetime) -> datetime:
        """Return the deadline for cancelling or moving an appointment that starts at `start`."""
        return start - timedelta(minutes=self.cancel_notice_minutes)

    def last_date(self, now: datetime) -> date:
        """Return the last bookable local date: the clinic's horizon."""
        return clock.local_date(now, self.time_zone) + timedelta(days=self.horizon_days)

    def doctors_for(self, appointment_type_id: UUID | None, doctor_id: UUID | None = None) -> list[CatalogueDoctor]:
        """Return the active doctors who offer the type, or only the given doctor if they do."""
        doctors = (self.doctors[doctor_id],) if doctor_id else self.doctors.values()
        return [doctor for doctor in doctors if doctor.active and doctor.offers(appointment_type_id)]


class Length(msgspec.Struct, frozen=True):
    """The length of an appointment: the patient's minutes, and the doctor's buffers around them."""

    minutes: int
    before: timedelta = timedelta()
    after: timedelta = timedelta()

    @classmethod
    def of(cls, type: CatalogueType) -> "Length":
        return cls(
            type.minutes, timedelta(minutes=type.buffer_before_minutes), timedelta(minutes=type.buffer_after_minutes)
        )
