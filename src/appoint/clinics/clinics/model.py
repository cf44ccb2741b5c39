"""A clinic and its booking policy."""

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ...kit import errors, fields, phones, places
from ...kit.structs import PageQuery, RequestBody, Resource

DoctorChoice = Literal["random", "leastBusy", "roundRobin"]
ConfirmAddress = Literal["always", "never"]
QueuePolicy = Literal["automatic", "manual"]
Minutes = Annotated[int, Meta(ge=0, le=525_600)]
GraceMinutes = Annotated[int, Meta(ge=0, le=1440)]
RetainedMonths = Annotated[int, Meta(ge=1, le=600, examples=[120])]
RetainedDays = Annotated[int, Meta(ge=1, le=3650)]

MAX_SUGGESTED_SLUG: Final = 40
LETTERS_IN_SLUGS: Final = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "o", "ł": "l", "ı": "i", "’": "", "'": ""}
)


def suggest_slug(name: str) -> str:
    """Return a slug for a clinic's name: “Praxis am Spreebogen” becomes “praxis-am-spreebogen”. It is empty if the name
    has no Latin letters."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(LETTERS_IN_SLUGS))
    words = re.findall("[a-z0-9]+", plain.encode("ascii", "ignore").decode())
    slug = ""
    for word in words:
        if len(slug) + len(word) >= MAX_SUGGESTED_SLUG:
            break
        slug = f"{slug}-{word}" if slug else word
    return "" if slug.isdecimal() else slug


class Policy(RequestBody):
    """A clinic's booking rules.

    `doctor_choice` says how to choose among the free doctors if the request names none: at random, the one with the
    fewest live appointments that week, or the one chosen least recently.
    """

    slot_step_minutes: Annotated[int, Meta(ge=1, le=720)] = 15
    min_notice_minutes: Minutes = 0
    horizon_days: Annotated[int, Meta(ge=1, le=366)] = 56
    cancel_notice_minutes: Minutes = 0
    require_version: bool = False
    doctor_choice: DoctorChoice = "random"
    retain_patients_months: RetainedMonths | None = None
    """How long the clinic keeps a patient's data, in months after their last appointment; null for no limit. Older data
    is deleted every night."""
    retain_messages_days: RetainedDays = 365
    """How many days the clinic keeps sent messages."""
    confirm_address: ConfirmAddress = "always"
    """Whether people who book without signing in must confirm their email address or phone number with a code. Until
    they do, their appointments are on hold, for at most ten minutes."""
    change_grace_minutes: GraceMinutes = 15
    """For how many minutes after booking patients can cancel or move an appointment even within the notice period,
    though never once it has started. Moving it does not restart this period."""
    queue: QueuePolicy = "automatic"
    """Whether visitors to the booking pages wait in a queue as soon as the servers cannot keep up, or only if the
    clinic's staff open one or announce an opening."""


class PolicyPatch(RequestBody):
    """Null resets a rule to its default."""

    slot_step_minutes: Annotated[int, Meta(ge=1, le=720)] | None | UnsetType = UNSET
    min_notice_minutes: Minutes | None | UnsetType = UNSET
    horizon_days: Annotated[int, Meta(ge=1, le=366)] | None | UnsetType = UNSET
    cancel_notice_minutes: Minutes | None | UnsetType = UNSET
    require_version: bool | None | UnsetType = UNSET
    doctor_choice: DoctorChoice | None | UnsetType = UNSET
    retain_patients_months: RetainedMonths | None | UnsetType = UNSET
    retain_messages_days: RetainedDays | None | UnsetType = UNSET
    confirm_address: ConfirmAddress | None | UnsetType = UNSET
    change_grace_minutes: GraceMinutes | None | UnsetType = UNSET
    queue: QueuePolicy | None | UnsetType = UNSET


Reminder = Annotated[int, Meta(ge=15, le=20_160, examples=[1440])]


class Notifications(RequestBody):
    """When a clinic notifies its customers and doctors. Notifications that can wait are not sent during quiet hours."""

    reminder_minutes: Annotated[list[Reminder], Meta(max_length=5)] = msgspec.field(default_factory=lambda: [1440, 120])
    """How many minutes before an appointment the customer receives each reminder."""
    quiet_from: Annotated[fields.WallTime, Meta(examples=["21:00"])] | None = None
    quiet_until: Annotated[fields.WallTime, Meta(examples=["07:00"])] | None = None
    """On the next day unless it is after `quietFrom`."""
    agenda_time: fields.WallTime | None = "07:00"
    """When doctors receive an email listing their appointments for the day; null for never."""

    def __post_init__(self) -> None:
        if fault := self.fault():
            raise errors.Invalid(fault)

    def fault(self) -> errors.Fault | None:
        """Return the fault in the combination of members, if any."""
        if (self.quiet_from is None) != (self.quiet_until is None):
            return errors.Fault("#/quietFrom", "is required if there is an end time")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            return errors.Fault("#/quietUntil", "must be different from the start")
        if len(set(self.reminder_minutes)) < len(self.reminder_minutes):
            return errors.Fault("#/reminderMinutes", "must not contain duplicates")
        return None


class NotificationsPatch(RequestBody):
    reminder_minutes: Annotated[list[Reminder], Meta(max_length=5)] | None | UnsetType = UNSET
    """Null resets it to its default."""
    quiet_from: Annotated[fields.WallTime, Meta(examples=["21:00"])] | None | UnsetType = UNSET
    quiet_until: Annotated[fields.WallTime, Meta(examples=["07:00"])] | None | UnsetType = UNSET
    agenda_time: fields.WallTime | None | UnsetType = UNSET


class OpeningTime(RequestBody):
    """A time of the week when the clinic is open."""

    weekday: fields.Weekday
    from_: fields.WallTime = msgspec.field(name="from")
    until: fields.WallTimeEnd

    def __post_init__(self) -> None:
        if fields.parse_wall_time(self.until) <= fields.parse_wall_time(self.from_):
            raise errors.Invalid(errors.Fault("#/until", "must be after the start"))


OpeningHours = Annotated[list[OpeningTime], Meta(max_length=28)]
Colour = Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}" + fields.END_OF_TEXT, examples=["#0b6157"])]


class Location(RequestBody):
    """A point on Earth, in degrees."""

    latitude: Annotated[float, Meta(ge=-90, le=90, examples=[52.523])]
    longitude: Annotated[float, Meta(ge=-180, le=180, examples=[13.369])]


class Profile(RequestBody):
    """What a clinic says about itself to patients, on its pages and in its emails."""

    about: fields.Text | None = None
    directions: fields.Text | None = None
    """How to get there, such as the entrance, parking or the nearest stop."""
    map_url: fields.WebAddress | None = None
    """A map that shows the clinic. The default is a search for the address on OpenStreetMap."""
    website: fields.WebAddress | None = None
    colour: Colour | None = None
    """The clinic's own colour. Pages and emails use it at a lightness that keeps text legible."""
    opening_hours: OpeningHours = msgspec.field(default_factory=list[OpeningTime])
    """The opening hours that patients see. Doctors' bookable hours do not depend on them."""
    privacy_url: fields.WebAddress | None = None
    """The clinic's privacy notice."""
    imprint_url: fields.WebAddress | None = None
    """The page that names the person responsible for the clinic, as the law of some countries requires."""
    terms_url: fields.WebAddress | None = None
    location: Location | None = None
    """Where the clinic is, for searches by place. By default, the location of the postal code or town in its address.
    """


class LocationPatch(RequestBody):
    """Both members are required if the profile has no location yet."""

    latitude: Annotated[float, Meta(ge=-90, le=90)] | UnsetType = UNSET
    longitude: Annotated[float, Meta(ge=-180, le=180)] | UnsetType = UNSET


class ProfilePatch(RequestBody):
    """Null resets a member to its default."""

    about: fields.Text | None | UnsetType = UNSET
    directions: fields.Text | None | UnsetType = UNSET
    map_url: fields.WebAddress | None | UnsetType = UNSET
    website: fields.WebAddress | None | UnsetType = UNSET
    colour: Colour | None | UnsetType = UNSET
    opening_hours: OpeningHours | None | UnsetType = UNSET
    privacy_url: fields.WebAddress | None | UnsetType = UNSET
    imprint_url: fields.WebAddress | None | UnsetType = UNSET
    terms_url: fields.WebAddress | None | UnsetType = UNSET
    location: LocationPatch | None | UnsetType = UNSET


class ClinicContent(RequestBody):
    """A clinic's details."""

    name: fields.Name
    time_zone: fields.TimeZone
    slug: fields.Slug | None = None
    locale: fields.Locale = "en"
    currency: fields.Currency = "EUR"
    phone: fields.Phone | None = None
    email: fields.Email | None = None
    address: fields.Text | None = None
    policy: Policy = msgspec.field(default_factory=Policy)
    notifications: Notifications = msgspec.field(default_factory=Notifications)
    profile: Profile = msgspec.field(default_factory=Profile)

    @property
    def coordinates(self) -> tuple[float, float] | tuple[None, None]:
        """The clinic's latitude and longitude, from its profile or else from its address."""
        if location := self.profile.location:
            return location.latitude, location.longitude
        place = places.locate(self.address, phones.country_of_zone(self.time_zone)) if self.address else None
        return (place.latitude, place.longitude) if place else (None, None)


class ClinicPatch(RequestBody):
    """Null resets a member to its default."""

    name: fields.Name | UnsetType = UNSET
    time_zone: fields.TimeZone | UnsetType = UNSET
    slug: fields.Slug | None | UnsetType = UNSET
    locale: fields.Locale | None | UnsetType = UNSET
    currency: fields.Currency | None | UnsetType = UNSET
    phone: fields.Phone | None | UnsetType = UNSET
    email: fields.Email | None | UnsetType = UNSET
    address: fields.Text | None | UnsetType = UNSET
    policy: PolicyPatch | None | UnsetType = UNSET
    notifications: NotificationsPatch | None | UnsetType = UNSET
    profile: ProfilePatch | None | UnsetType = UNSET
    active: Literal[True] | UnsetType = UNSET
    """Reactivates a deactivated clinic. To deactivate one, use `DELETE`."""


class ClinicFilter(PageQuery):
    q: fields.ShortText | None = None
    """Part of the name, ignoring case and accents."""


class Clinic(Resource):
    id: int
    name: str
    time_zone: str
    slug: str | None
    locale: fields.Locale
    currency: str
    phone: str | None
    email: str | None
    address: str | None
    policy: Policy
    notifications: Notifications
    profile: Profile
    logo_hash: str | None
    """The hash in the logo's address, `/images/{clinicId}/{hash}.webp`; null if the clinic has none."""
    photo_hash: str | None
    """The hash in the photo's address."""
    active: bool
    removed_at: datetime | None
