"""A clinic's appointment types."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from ...kit import fields
from ...kit.money import Currency, Money
from ...kit.structs import PageQuery, RequestBody, Resource
from ..audience import Age, Patients, check_ages

TypeName = Annotated[fields.Name, Meta(examples=["First consultation"])]
Preparation = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"\S", examples=["Your insurance card"])]
Minutes = Annotated[int, Meta(ge=5, le=720, examples=[30])]
BufferMinutes = Annotated[int, Meta(ge=0, le=720)]
Mode = Literal["inPerson", "online"]
MAX_TYPES: Final = 1000
"""The maximum number of types that a page lists or names."""
PriceAmount = Annotated[int, Meta(ge=0, le=2**31 - 1)]
"""Prices are in `integer` columns, which every booking copies."""


class Price(Money, frozen=True, forbid_unknown_fields=True):
    """An `amount` in minor units (such as cents) of `currency`."""

    amount: PriceAmount


class AppointmentTypeContent(RequestBody):
    """An appointment type's details. Patients see `minutes`; the buffers reserve the doctor's time before and after."""

    name: TypeName
    minutes: Minutes
    description: fields.Text | None = None
    preparation: Preparation | None = None
    """What patients should bring, or do before the appointment. Included in confirmations and reminders."""
    buffer_before_minutes: BufferMinutes = 0
    buffer_after_minutes: BufferMinutes = 0
    price: Price | None = None
    mode: Mode = "inPerson"
    min_age: Age | None = None
    """The age of the youngest patients that the type is for."""
    max_age: Age | None = None
    """The age of the oldest patients that the type is for."""
    patients: Patients = "everyone"
    """Whether the type is for everyone, only for new patients, or only for patients who have been to the clinic before.
    """

    def __post_init__(self) -> None:
        check_ages(self.min_age, self.max_age)


class PricePatch(RequestBody):
    """Both members are required if the type has no price yet."""

    amount: PriceAmount | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET


class AppointmentTypePatch(RequestBody):
    """Null resets a member to its default."""

    name: TypeName | UnsetType = UNSET
    minutes: Minutes | UnsetType = UNSET
    description: fields.Text | None | UnsetType = UNSET
    preparation: Preparation | None | UnsetType = UNSET
    buffer_before_minutes: BufferMinutes | None | UnsetType = UNSET
    buffer_after_minutes: BufferMinutes | None | UnsetType = UNSET
    price: PricePatch | None | UnsetType = UNSET
    mode: Mode | None | UnsetType = UNSET
    min_age: Age | None | UnsetType = UNSET
    max_age: Age | None | UnsetType = UNSET
    patients: Patients | None | UnsetType = UNSET
    active: Literal[True] | UnsetType = UNSET
    """Restores a removed type. To remove one, use `DELETE`."""


class AppointmentTypeOrder(RequestBody):
    """The order in which patients see a clinic's appointment types."""

    appointment_type_ids: Annotated[list[UUID], Meta(max_length=MAX_TYPES)]
    """All of the clinic's active types, each once."""


class AppointmentTypeFilter(PageQuery):
    active: bool = True
    """If false, return only removed types."""


class AppointmentType(Resource):
    id: UUID
    clinic_id: int
    name: str
    minutes: int
    position: int
    """The type's place in the clinic's own order. Types with the same position are ordered by name."""
    description: str | None
    preparation: str | None
    buffer_before_minutes: int
    buffer_after_minutes: int
    price: Money | None
    mode: Mode
    min_age: int | None
    max_age: int | None
    patients: Patients
    active: bool
    removed_at: datetime | None
