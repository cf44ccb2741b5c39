"""Audit entries, the hash chain they form, and the signature of its head, all without I/O."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, NamedTuple
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..kit import errors, fields
from ..kit.structs import PageQuery

BEGINNING: Final = bytes(32)
"""The hash before the first entry."""
Hash = Annotated[
    str,
    msgspec.Meta(
        pattern="^[0-9a-f]{64}" + fields.END_OF_TEXT,
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        description="SHA-256",
    ),
]


class AuditFilter(PageQuery):
    from_: fields.Date | None = msgspec.field(default=None, name="from")
    """The first day."""
    to: fields.Date | None = None
    """The last day."""
    actor: (
        Annotated[str, msgspec.Meta(max_length=200, examples=["user:01978a5c-7d3e-7a63-84f7-074d226b3d5d"])] | None
    ) = None
    """Return only entries by this kind of actor (`user`) or by this actor (`user:` and the id)."""
    action: Annotated[str, msgspec.Meta(max_length=200, examples=["cancelAppointment"])] | None = None
    """Return only entries for this operation."""
    subject: Annotated[str, msgspec.Meta(max_length=200, examples=["01978a5c-7d3e-7a63-84f7-074d226b3d5d"])] | None = (
        None
    )
    """Return only entries that changed or disclosed the subject with this id."""

    def __post_init__(self) -> None:
        if self.from_ and self.to and self.to < self.from_:
            raise errors.Invalid(errors.Fault("#/to", "must not be before “from”"))


class EntryFilter(NamedTuple):
    """Filters for a list of entries, including the local dates `first…last`. None matches everything."""

    first: date | None = None
    last: date | None = None
    actor: str | None = None
    """A kind of actor, or a single actor."""
    action: str | None = None
    subject: str | None = None
    actions: Sequence[str] | None = None
    """Return only entries with one of these actions. Works only in `newest`."""
    without: Sequence[str] = ()
    """Leave out entries with these actions. Works only in `newest`."""
    subjects: Sequence[str] | None = None
    """Return only entries about one of these subjects. Works only in `newest`."""


class AuditActor(msgspec.Struct, rename="camel"):
    """The actor in an entry."""

    EXAMPLE: ClassVar = {"kind": "user", "id": "01978a5c-7d3e-7a63-84f7-074d226b3d5d"}

    kind: str
    """`user`, `patient`, `key` (a partner system), `oidc`, `link` (the holder of an emailed link), `administrator`,
    `open` (an anonymous caller), `gateway`, `cell` (another cell), `system` (a worker) or `command-line`."""
    id: str | None
    """The actor's id. For anonymous callers, a digest of their network address; for cells, their name."""


class AuditEntry(msgspec.Struct, rename="camel"):
    """A change or a disclosure. Identifies people only by their ids and contains no personal data."""

    EXAMPLE: ClassVar = {
        "id": "0197b1c4-93a5-7c0e-b0c2-44b7f0a9d9a1",
        "at": "2027-03-01T08:30:00.123456Z",
        "actor": AuditActor.EXAMPLE,
        "action": "cancelAppointment",
        "subjects": ["00000001-0197-8f1b-8c55-02a1bf0e1d37"],
        "address": "203.0.113.7",
        "requestId": "reception-4711",
        "reason": None,
        "position": 4711,
        "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    }

    id: UUID
    at: datetime
    actor: AuditActor
    action: str
    """The operation's `operationId`, or the worker's action. For refusals, `signInFailed`, `signInUnfinished` (the
    password was right, but the authenticator code was missing), `signInCodeRefused`, `passwordRefused`,
    `credentialRefused` (an API key) or `accessRefused`. Refusals are limited per caller, network and clinic;
    `refusalsOmitted` means that more followed within the hour.
    """
    subjects: list[str]
    """The ids of the records that were changed or disclosed."""
    address: str | None
    """The network address that the request came from. For patients and strangers, only the network that contains it."""
    request_id: str | None
    """The request's id. If the caller chose an id that is not hexadecimal, a digest of it."""
    reason: str | None
    """The reason, if the caller gave one. For refusals, the outcome: why the sign-in failed, or which operation was
    refused.
    """
    position: int | None
    """The entry's position in the clinic's chain; null until the entry is sealed, which takes a few seconds."""
    hash: Hash | None
    """The hash of this entry and all earlier ones."""


class AuditHead(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The signed end of a clinic's sealed audit trail. A copy stored elsewhere can later prove whether any entry up to
    that point was changed or removed.

    The signature (Ed25519) is over the JSON array `["appoint audit head", clinicId, position, hash, sealedAt]`, without
    spaces.
    """

    EXAMPLE: ClassVar = {
        "clinicId": 1,
        "position": 4711,
        "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "sealedAt": "2027-03-01T08:30:03.004213Z",
        "publicKey": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "signature": "lNOTVcXRdvpxdlk+T7NvPVhVNdmkEQnlDh5TPXbZQHa0c7bVJpGSpz2s0aFkEsVTPKCMHCWKzYgLDoAqWY1rAg==",
    }

    clinic_id: int
    """0 for the platform."""
    position: int
    """The position of the last sealed entry; 0 if there is none."""
    hash: Hash
    sealed_at: datetime
    public_key: str
    """An Ed25519 key, in base64 like the signature."""
    signature: str

    @property
    def signed_text(self) -> bytes:
        return msgspec.json.encode(["appoint audit head", self.clinic_id, self.position, self.hash, self.sealed_at])


class AuditStart(msgspec.Struct, frozen=True, kw_only=True):
    """The signed start of a clinic's audit trail whose oldest entries have been deleted."""

    clinic_id: int
    position: int
    """The position of the last deleted entry."""
    hash: Hash
    """The hash of the last deleted entry, which the first remaining one builds on."""
    before: datetime
    """All deleted entries were written before this time."""
    public_key: str
    signature: str

    @property
    def signed_text(self) -> bytes:
        return msgspec.json.encode(["appoint audit start", self.clinic_id, self.position, self.hash, self.before])


class Entry(NamedTuple):
    """An entry in the form that is sealed."""

    clinic_id: int
    position: int
    id: UUID
    at: str
    """Seconds since 1970 with six decimals, as formatted by the database, so that each time has only one form."""
    actor: str
    action: str
    subjects: Sequence[str]
    address: str | None
    request_id: str | None
    reason: str | None

    def is_before(self, instant: datetime) -> bool:
        return float(self.at) < instant.timestamp()


def encoded(entry: Entry) -> bytes:
    """Return the entry as a JSON array, in field order. Different entries have different encodings."""
    return msgspec.json.encode(entry)


def chained(before: bytes, entry: Entry) -> bytes:
    """Return the hash of an entry that follows an entry with the hash `before`."""
    return hashlib.sha256(before + encoded(entry)).digest()


def fault(head: "AuditHead | AuditStart", *, public_key: str) -> str | None:
    """Return what is wrong with the signature of a head or a start, given the expected key; None if it is valid."""
    if head.public_key != public_key:
        return "is signed with a different key"
    try:
        signature = b64decode(head.signature, validate=True)
        Ed25519PublicKey.from_public_bytes(b64decode(public_key, validate=True)).verify(signature, head.signed_text)
    except (ValueError, InvalidSignature):  # base64's errors are ValueErrors
        return "has a signature that does not match it"
    return None if b64encode(signature).decode() == head.signature else "has a signature in a non-standard encoding"


class Key:
    """The key that signs heads. It is derived from the secret shared by all processes."""

    def __init__(self, secret: str) -> None:
        self._private: Final = Ed25519PrivateKey.from_private_bytes(
            HKDF(SHA256(), length=32, salt=None, info=b"appoint audit").derive(secret.encode())
        )
        self.public: Final = b64encode(self._private.public_key().public_bytes_raw()).decode()

    def signed(self, *, clinic_id: int, position: int, hash: bytes, now: datetime) -> AuditHead:
        head = AuditHead(
            clinic_id=clinic_id, position=position, hash=hash.hex(), sealed_at=now, public_key=self.public, signature=""
        )
        return msgspec.structs.replace(head, signature=b64encode(self._private.sign(head.signed_text)).decode())

    def signed_start(self, *, clinic_id: int, position: int, hash: bytes, before: datetime) -> AuditStart:
        start = AuditStart(
            clinic_id=clinic_id,
            position=position,
            hash=hash.hex(),
            before=before,
            public_key=self.public,
            signature="",
        )
        return msgspec.structs.replace(start, signature=b64encode(self._private.sign(start.signed_text)).decode())
