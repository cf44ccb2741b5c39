"""A clinic and its booking policy."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from .. import wire
from ..resources import PageQuery, Request, Resource

DoctorChoice = Literal["random", "leastBusy", "roundRobin"]
Minutes = Annotated[int, Meta(ge=0, le=525_600)]


class Policy(Request):
    """What a clinic asks of bookings. `doctor_choice` says who is chosen when the caller names nobody: anyone free, whoever has the fewest live
    appointments that week, or whoever was chosen longest ago."""

    slot_step_minutes: Annotated[int, Meta(ge=1, le=720)] = 15
    min_notice_minutes: Minutes = 0
    horizon_days: Annotated[int, Meta(ge=1, le=366)] = 56
    cancel_notice_minutes: Minutes = 0
    require_version: bool = False
    doctor_choice: DoctorChoice = "random"


class PolicyPatch(Request):
    slot_step_minutes: Annotated[int, Meta(ge=1, le=720)] | UnsetType = UNSET
    min_notice_minutes: Minutes | UnsetType = UNSET
    horizon_days: Annotated[int, Meta(ge=1, le=366)] | UnsetType = UNSET
    cancel_notice_minutes: Minutes | UnsetType = UNSET
    require_version: bool | UnsetType = UNSET
    doctor_choice: DoctorChoice | UnsetType = UNSET


class ClinicContent(Request):
    """What a caller says about a clinic."""

    name: wire.Name
    time_zone: wire.TimeZone
    slug: wire.Slug | None = None
    locale: wire.Locale = "en"
    currency: wire.Currency = "EUR"
    phone: wire.Phone | None = None
    email: wire.Email | None = None
    address: wire.Text | None = None
    policy: Policy = msgspec.field(default_factory=Policy)


class ClinicPatch(Request):
    name: wire.Name | UnsetType = UNSET
    time_zone: wire.TimeZone | UnsetType = UNSET
    slug: wire.Slug | None | UnsetType = UNSET
    locale: wire.Locale | UnsetType = UNSET
    currency: wire.Currency | UnsetType = UNSET
    phone: wire.Phone | None | UnsetType = UNSET
    email: wire.Email | None | UnsetType = UNSET
    address: wire.Text | None | UnsetType = UNSET
    policy: PolicyPatch | UnsetType = UNSET
    active: Literal[True] | UnsetType = UNSET
    """Brings a deactivated clinic back; `DELETE` deactivates."""


class ClinicFilter(PageQuery):
    q: wire.ShortText | None = None
    """Part of the name."""


class Clinic(Resource):
    id: int
    name: str
    time_zone: str
    slug: str | None
    locale: wire.Locale
    currency: str
    phone: str | None
    email: str | None
    address: str | None
    policy: Policy
    active: bool
    removed_at: datetime | None
