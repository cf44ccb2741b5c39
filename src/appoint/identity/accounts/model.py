"""Staff accounts, and authenticator codes."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple
from uuid import UUID

import msgspec
import pyotp
from msgspec import UNSET, Meta, UnsetType
from pyotp.exceptions import OTPVerificationError
from pyotp.totp import TOTP

from ...kit import fields
from ...kit.key_ring import EncryptedField, KeyRing, UnreadableError, is_ciphertext
from ...kit.structs import RequestBody, Resource
from ..encryption import decrypt

ISSUER: Final = "Appoint"
StaffRole = Literal["manager", "receptionist", "doctor"]
UserName = Annotated[fields.PersonName, Meta(examples=["Mia Klein"])]
UserEmail = Annotated[fields.Email, Meta(examples=["mia@example.org"])]
Password = Annotated[str, Meta(max_length=512, examples=["a calm lake in the morning"])]
"""The password as typed. `passwords.find_faults` checks how strong new ones are."""
Code = Annotated[str, Meta(pattern="^[0-9]{6}" + fields.END_OF_TEXT, examples=["314159"])]
LinkToken = Annotated[
    str, Meta(max_length=1000, examples=["WyIwMTk3OGE1YyIsMSwxODAzODkzNDAwXQ.3mYx1vDqkqSN0yQ1nB8pZb8y4jU"])
]


class UserInvitation(RequestBody):
    """A person to invite to the clinic's staff, and their role."""

    email: UserEmail
    name: UserName
    role: StaffRole
    doctor_id: UUID | None = None
    """The clinic's doctor to whom the account belongs. Required for the role `doctor`."""
    EXAMPLE: ClassVar[dict[str, Any]] = {"email": "mia@example.org", "name": "Mia Klein", "role": "receptionist"}


class UserPatch(RequestBody):
    name: UserName | UnsetType = UNSET
    role: StaffRole | UnsetType = UNSET
    doctor_id: UUID | None | UnsetType = UNSET


class User(Resource):
    """A member of a clinic's staff, under the name the clinic uses."""

    id: UUID
    clinic_id: int
    name: UserName
    email: UserEmail
    role: StaffRole
    doctor_id: UUID | None
    joined_at: datetime | None
    """When the user first signed in after the invitation; null if they have not signed in yet."""
    disabled_at: datetime | None
    """When the user's access to this clinic was disabled; null if it is not."""
    second_factor: bool
    """Whether the user has a passkey or an authenticator."""


class AccountMembership(msgspec.Struct, rename="camel"):
    """A user's role at a clinic."""

    clinic_id: int
    role: StaffRole
    doctor_id: UUID | None


class Account(msgspec.Struct, rename="camel", kw_only=True):
    """The caller's account: a user or a patient."""

    user_id: UUID | None = None
    customer_id: UUID | None = None
    """Set only for patients."""
    administrator: bool = False
    """Whether the user administers the platform."""
    name: str | None = None
    email: str | None = None
    locale: fields.Locale | None = None
    region: str | None = None
    """The country whose formats pages and messages follow. If null, pages follow the browser."""
    totp: bool = False
    """Whether the account has an authenticator. If so, signing in with a password also requires one of its codes, or
    another second factor.
    """
    passkeys: int = 0
    """How many passkeys the account has. If it has any, signing in with a password also requires one of them, or
    another second factor.
    """
    recovery_codes_left: int = 0
    """How many recovery codes have not been used."""
    recovery_codes: list[str] | UnsetType = UNSET
    """Present only in the response that sets up the account's first second factor."""
    memberships: list[AccountMembership] = msgspec.field(default_factory=list[AccountMembership])
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "userId": "01978a5c-7d3e-7a63-84f7-074d226b3d5e",
        "customerId": None,
        "administrator": False,
        "name": "Mia Klein",
        "email": "mia@example.org",
        "locale": "en",
        "region": "GB",
        "totp": False,
        "passkeys": 1,
        "recoveryCodesLeft": 10,
        "memberships": [{"clinicId": 1, "role": "receptionist", "doctorId": None}],
    }


class StoredUser(msgspec.Struct, frozen=True):
    """A user with their credentials, as stored."""

    id: UUID
    name: str
    email: str
    locale: fields.Locale | None
    region: str | None
    administrator: bool
    disabled_at: datetime | None
    credentials: int
    """Increases with every new password. An emailed link is valid only while this still has the value from when the
    link was created.
    """
    password_hash: str | None
    totp_secret: bytes | None
    """Encrypted."""
    totp_confirmed_at: datetime | None
    totp_step: int | None
    """The time step of the last code used."""


class StaffFrame(NamedTuple):
    """What every staff page shows: the clinic and the signed-in user's name. Missing values are None."""

    id: int | None
    name: str | None
    slug: str | None
    time_zone: str | None
    currency: str | None
    locale: fields.Locale | None
    user_name: str | None
    in_setup: bool | None
    """Whether the clinic's managers still see the list of set-up steps."""


class ListedUser(NamedTuple):
    """A user, as listed on the command line."""

    email: str
    name: str
    administrator: bool
    has_password: bool
    totp: bool
    disabled: bool
    memberships: list[str] | None
    """Each clinic's number and the user's role there."""


class AccountPatch(RequestBody):
    name: UserName | UnsetType = UNSET
    locale: fields.Locale | None | UnsetType = UNSET
    region: fields.Region | None | UnsetType = UNSET


class PasswordChange(RequestBody):
    current: Password
    new: Password
    EXAMPLE: ClassVar[dict[str, Any]] = {"current": "a calm lake in the morning", "new": "two storks above the roof"}


class PasswordProof(RequestBody):
    """Proof that the request comes from the account's owner, not just from their browser."""

    password: Password


class TotpSetup(msgspec.Struct):
    """The secret for an authenticator. The API returns it only once."""

    secret: Annotated[str, Meta(examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])]
    uri: Annotated[
        str,
        Meta(
            examples=["otpauth://totp/Appoint:mia%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Appoint"]
        ),
    ]
    """The secret as a URI, for a QR code."""


class TotpCode(RequestBody):
    code: Code


class NewCredentials(RequestBody):
    token: LinkToken
    """The last part of the emailed link."""
    password: Password


class CredentialsSet(msgspec.Struct):
    """The account whose password was set."""

    email: UserEmail


class PasswordResetRequest(RequestBody):
    email: UserEmail


class PasswordReset(msgspec.Struct):
    """The link's lifetime. The response does not reveal whether the user exists."""

    minutes: Annotated[int, Meta(examples=[60])]
    """How long the emailed link is valid."""


def totp_setup(email: str) -> TotpSetup:
    """Create a secret for the authenticator of the user with this email address."""
    secret = pyotp.random_base32()
    return TotpSetup(secret, TOTP(secret, name=email, issuer=ISSUER).provisioning_uri())


def stored_totp(keys: KeyRing, secret: str, user: StoredUser) -> str | None:
    """Return the secret of the user's authenticator, or None if there is none or it cannot be decrypted. Earlier
    releases encrypted it with a key derived from the server's secret."""
    if user.totp_secret is None:
        return None
    if not is_ciphertext(user.totp_secret):
        return decrypt(secret, f"totp {user.id}", user.totp_secret)
    try:
        return keys.decrypt_bytes(user.totp_secret, EncryptedField.TOTP_SECRET, user.id).decode()
    except UnreadableError:
        return None


def totp_step(keys: KeyRing, secret: str, user: StoredUser, code: str, now: datetime) -> int | None:
    """Return a code's time step, which can be the current one or one of its neighbours, because clocks differ. Return
    None for a wrong code, and for a code no newer than the last one used, because each code is valid only once (RFC
    6238, 5.2)."""
    totp_secret = stored_totp(keys, secret, user)
    if totp_secret is None:
        return None
    try:
        step = TOTP(totp_secret).verify_and_get_timecode(code, for_time=now, valid_window=1)
    except OTPVerificationError:
        return None
    return step if user.totp_step is None or step > user.totp_step else None
