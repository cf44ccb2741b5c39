"""A clinic's call settings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from ...kit import errors, fields
from ...kit.i18n import translatable
from ...kit.structs import RequestBody
from ..providers.failures import FailureCode
from ..providers.model import OPENS_BEFORE, Connection, Gateway, GatewayChoice
from .secrets import secret_faults, webhook_secret_faults

DEFAULT_OPENING_MINUTES: Final = int(OPENS_BEFORE.total_seconds() // 60)
DEFAULT_RECORDING_DAYS: Final = 30
MAX_DOCTOR_LINKS: Final = 200
MAX_SECRET_LENGTH: Final = 8000
"""Long enough for a private key."""
REQUIRED: Final[Mapping[GatewayChoice, tuple[str, ...]]] = {
    "jitsi": ("url", "app_id"),
    "jaas": ("app_id", "key_id"),
    "daily": ("url",),
    "bigbluebutton": ("url",),
}
"""What each provider needs in addition to a secret."""
REVISITABLE: Final[frozenset[GatewayChoice]] = frozenset({"demo", "jitsi", "jaas", "link"})
"""The providers whose rooms anyone with a valid address can open again, even after they have been ended."""

RecordingPolicy = Literal["forbidden", "onConsent"]
RecordingDays = Annotated[int, msgspec.Meta(ge=1, le=3650)]
OpeningMinutes = Annotated[int, msgspec.Meta(ge=5, le=60)]


class StoredSettings(NamedTuple):
    """The clinic's settings, with the connection decrypted."""

    id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    gateway: GatewayChoice
    connection: Connection | None
    opens_before_minutes: int = DEFAULT_OPENING_MINUTES
    phone: str | None = None
    recording: RecordingPolicy = "forbidden"
    recording_days: int = DEFAULT_RECORDING_DAYS


class DoctorLink(RequestBody):
    """A doctor's own room."""

    doctor_id: UUID
    url: fields.WebAddress | None
    """It must start with `https://`. If null, the doctor has no link."""


class CallSettingsContent(RequestBody):
    """Where a clinic's video visits take place."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "gateway": "jitsi",
        "url": "https://meet.example.org",
        "appId": "lakeside",
        "secret": "a secret that only this clinic and its server know",
        "opensBeforeMinutes": 15,
    }

    gateway: GatewayChoice | None
    """`jitsi`: a Jitsi Meet server that admits only people with a token. `jaas`: 8x8's Jitsi as a service. `daily`:
    private rooms at Daily. `bigbluebutton`: a BigBlueButton server. `link`: fixed addresses. `demo`: rooms without
    audio or video, in development only. `off`: no video visits. Patients cannot book online types, and appointments
    that are already booked stay without a room. null: nothing chosen yet; appointments of online types have no rooms,
    except in development."""
    url: fields.WebAddress | None = None
    """The server, such as `https://lakeside.daily.co` or `https://bbb.example.org/bigbluebutton`, or the room for
    doctors without their own link. It must start with `https://`."""
    app_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200, examples=["lakeside"])] | None = None
    """Required for Jitsi and 8x8."""
    key_id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """The ID of the key pair at 8x8. Required for 8x8."""
    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SECRET_LENGTH)] | None = None
    """The secret that signs tokens for Jitsi (at least 32 characters), the private key for 8x8 in PEM format, Daily's
    API key, or BigBlueButton's shared secret. If omitted, Appoint keeps the stored secret, unless the provider changes.
    Responses never contain it."""
    doctor_links: Annotated[list[DoctorLink], msgspec.Meta(max_length=MAX_DOCTOR_LINKS)] = []
    """Doctors' own rooms. With `jitsi`, a visit takes place there only if its room could not be created."""
    opens_before_minutes: OpeningMinutes = DEFAULT_OPENING_MINUTES
    """How long before the start patients and guests can enter the waiting room."""
    phone: fields.Phone | None = None
    """The number to call if a video visit doesn't work. By default, it is the clinic's own number."""
    recording: RecordingPolicy = "forbidden"
    """`onConsent`: doctors can record a visit if its patient has agreed to that. Only Daily offers this. In many
    places, recording a consultation is illegal."""
    recording_days: RecordingDays = DEFAULT_RECORDING_DAYS
    """How many days recordings are stored before they are deleted."""
    webhook_secret: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    """What signs Daily's events, in base64 (`hmac` in Daily's API). Recordings need it. Without it, the stored one
    stays unless the provider changes. Responses never contain it."""

    def secrets_after(self, stored: StoredSettings | None) -> tuple[str, str]:
        """Return the secret and the webhook secret once this has replaced the stored settings. Each is empty if there
        is none. Secrets stay unless the provider changes."""
        previous = stored.connection if stored and stored.gateway == self.gateway else None
        return (
            self.secret or (previous.secret if previous else ""),
            self.webhook_secret or (previous.webhook_secret if previous else ""),
        )

    def list_faults(self, stored: StoredSettings | None) -> list[errors.Fault]:
        """Return what is missing or invalid for the chosen provider, given the settings that this replaces."""
        secret, webhook_secret = self.secrets_after(stored)
        faults = [
            errors.Fault(pointer, translatable("must start with https://"))
            for pointer, url in (
                ("#/url", self.url),
                *((f"#/doctorLinks/{number}/url", link.url) for number, link in enumerate(self.doctor_links)),
            )
            if url and not url.startswith("https://")
        ]
        values = {"url": ("#/url", self.url), "app_id": ("#/appId", self.app_id), "key_id": ("#/keyId", self.key_id)}
        required = [values[name] for name in REQUIRED.get(self.gateway or "off", ())]
        faults += [errors.Fault(pointer, "is missing") for pointer, value in required if not value]
        faults += secret_faults(self.gateway, secret)
        if self.recording != "forbidden" and self.gateway == "daily":
            faults += webhook_secret_faults(webhook_secret)
        elif self.recording != "forbidden":
            faults.append(errors.Fault("#/recording", translatable("is only possible with Daily")))
        if self.gateway == "link" and not self.url and not any(link.url for link in self.doctor_links):
            faults.append(errors.Fault("#/url", "is missing"))
        return faults


class CallSettings(msgspec.Struct, kw_only=True, rename="camel"):
    """Where a clinic's video visits take place. It never contains the secret."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "gateway": "jitsi",
        "url": "https://meet.example.org",
        "appId": "lakeside",
        "keyId": None,
        "hasSecret": True,
        "doctorLinks": [],
        "opensBeforeMinutes": 15,
        "phone": None,
        "recording": "forbidden",
        "recordingDays": 30,
        "hasWebhookSecret": False,
        "formerGateway": None,
    }

    gateway: GatewayChoice | None
    """null until the clinic chooses. In development, it is `demo` until then."""
    url: str | None
    app_id: str | None
    key_id: str | None
    has_secret: bool
    doctor_links: list[DoctorLink]
    opens_before_minutes: int
    phone: str | None
    recording: RecordingPolicy
    recording_days: int
    has_webhook_secret: bool
    former_gateway: Gateway | None
    """The previous provider, for as long as Appoint needs its secret to end rooms there, usually until the next
    night."""


class CallTrial(msgspec.Struct, kw_only=True, rename="camel"):
    """The outcome of a test call."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "succeeded": True,
        "reason": None,
        "detail": None,
        "address": "https://meet.example.org/room?jwt=token",
    }

    succeeded: bool
    reason: FailureCode | None
    """Why the test failed, if it did."""
    detail: str | None
    """The reason as a sentence in the caller's language."""
    address: str | None
    """Where the caller can visit the test room for five minutes; null if the room no longer exists."""
