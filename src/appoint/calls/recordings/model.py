"""Recordings, and the consent that they need."""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple
from uuid import UUID

from ..providers.model import Gateway

WORDS_VERSION: Final = 1
"""The version of the words that patients agree to on the page behind their link. Raise it whenever they change."""
CAN_RECORD: Final[frozenset[Gateway]] = frozenset({"daily"})
"""The providers whose recordings Appoint can fetch and delete."""
DEFAULT_DAYS: Final = 30
LEASE: Final = timedelta(hours=2)
"""Longer than a copy takes, with a margin."""
MAX_TRIES: Final = 40
"""About two weeks, after which the provider has no copy that Appoint could delete."""
MAX_BYTES: Final = 4 * 1024**3

RecordingState = Literal["wanted", "copied", "stored", "deleting"]
"""`wanted`: a job will copy it. `copied`: it is in our store, and a job will delete it at the provider. `stored`: the
doctor can watch it. `deleting`: its key is gone, and a job will delete what is left of it."""


class Consent(NamedTuple):
    """A patient's consent to the recording of one visit."""

    given_at: datetime


class RecordingTerms(NamedTuple):
    """What decides whether a visit can be recorded."""

    is_offered: bool
    """Whether the clinic's policy and its provider allow recordings."""
    days: int
    """How long the clinic keeps them."""
    consent_at: datetime | None
    requested_at: datetime | None
    """When the doctor decided to record the visit."""

    @property
    def allows_recording(self) -> bool:
        """Return whether all three keys have turned."""
        return self.is_offered and self.consent_at is not None and self.requested_at is not None


class Recording(NamedTuple):
    """A recording that the doctor can watch."""

    id: UUID
    created_at: datetime
    size: int
    delete_at: datetime


class StoredRecording(NamedTuple):
    """Where a recording is, and how to decrypt it."""

    id: UUID
    size: int
    key: bytes


class LeasedRecording(NamedTuple):
    """A recording that this worker copies or deletes."""

    clinic_id: int
    id: UUID
    call_id: UUID
    gateway: Gateway
    provider_id: str
    state: RecordingState
    tries: int
    """Including this one. Only the latest one's outcome counts."""
    days: int


def object_name(recording_id: UUID, clinic_id: int) -> str:
    return f"recordings/{clinic_id}/{recording_id}"


def retry_delay(tries: int) -> timedelta:
    """Return the delay after this many attempts: 1, 2, 4 … minutes up to 8 hours."""
    return timedelta(minutes=min(2 ** min(tries - 1, 20), 480))
