"""Who works where, and how they prove who they are."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
import pyotp
from msgspec import UNSET, Meta, UnsetType
from pyotp.exceptions import OTPVerificationError
from pyotp.totp import TOTP

from ...kit import fields
from ...kit.structs import RequestBody, Resource
from ..encryption import decrypted, encrypted

ISSUER: Final = "Appoint"
StaffRole = Literal["manager", "receptionist", "doctor"]
UserName = Annotated[fields.PersonName, Meta(examples=["Mia Klein"])]
UserEmail = Annotated[fields.Email, Meta(examples=["mia@example.org"])]
Password = Annotated[str, Meta(max_length=512, examples=["a calm lake in the morning"])]
"""As it was typed; whether a new one is good enough, `passwords.faults` says."""
Code = Annotated[str, Meta(pattern="^[0-9]{6}" + fields.END_OF_TEXT, examples=["314159"])]
LinkToken = Annotated[
    str, Meta(max_length=1000, examples=["WyIwMTk3OGE1YyIsMSwxODAzODkzNDAwXQ.3mYx1vDqkqSN0yQ1nB8pZb8y4jU"])
]


class UserInvitation(RequestBody):
    """Who is to work at the clinic, and as what."""

    email: UserEmail
    name: UserName
    role: StaffRole
    doctor_id: UUID | None = None
    """Who they are among the clinic's doctors; a user who is a doctor must be one of them."""
    EXAMPLE: ClassVar[dict[str, Any]] = {"email": "mia@example.org", "name": "Mia Klein", "role": "receptionist"}


class UserPatch(RequestBody):
    name: UserName | UnsetType = UNSET
    role: StaffRole | UnsetType = UNSET
    doctor_id: UUID | None | UnsetType = UNSET


class User(Resource):
    """Somebody who works at a clinic, as the clinic knows them."""

    id: UUID
    clinic_id: int
    name: UserName
    email: UserEmail
    role: StaffRole
    doctor_id: UUID | None
    joined_at: datetime | None
    """When they first signed in after they were invited; null: not yet."""


class AccountMembership(msgspec.Struct, rename="camel"):
    """What somebody is at a clinic."""

    clinic_id: int
    role: StaffRole
    doctor_id: UUID | None


class Account(msgspec.Struct, rename="camel", kw_only=True):
    """Who is signed in: a user, or a patient."""

    user_id: UUID | None = None
    customer_id: UUID | None = None
    """Of a patient."""
    administrator: bool = False
    """Whether they administer the platform."""
    name: str | None = None
    email: str | None = None
    locale: fields.Locale | None = None
    totp: bool = False
    """Whether signing in takes a code of an authenticator too."""
    memberships: list[AccountMembership] = msgspec.field(default_factory=list[AccountMembership])
    EXAMPLE: ClassVar[dict[str, Any]] = {
        "userId": "01978a5c-7d3e-7a63-84f7-074d226b3d5e",
        "customerId": None,
        "administrator": False,
        "name": "Mia Klein",
        "email": "mia@example.org",
        "locale": "en",
        "totp": False,
        "memberships": [{"clinicId": 1, "role": "receptionist", "doctorId": None}],
    }


class AccountPatch(RequestBody):
    name: UserName | UnsetType = UNSET
    locale: fields.Locale | None | UnsetType = UNSET


class PasswordChange(RequestBody):
    current: Password
    new: Password
    EXAMPLE: ClassVar[dict[str, Any]] = {"current": "a calm lake in the morning", "new": "two storks above the roof"}


class PasswordProof(RequestBody):
    """That it is the account's owner who asks, and not only their browser."""

    password: Password


class TotpSetup(msgspec.Struct):
    """What an authenticator needs to know. It is shown this once."""

    secret: Annotated[str, Meta(examples=["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"])]
    uri: Annotated[
        str,
        Meta(
            examples=["otpauth://totp/Appoint:mia%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Appoint"]
        ),
    ]
    """The same for a QR code."""


class TotpCode(RequestBody):
    code: Code


class NewCredentials(RequestBody):
    token: LinkToken
    """The last part of the link that was mailed."""
    password: Password


class CredentialsSet(msgspec.Struct):
    """Whose password it is now."""

    email: UserEmail


class PasswordResetRequest(RequestBody):
    email: UserEmail


class PasswordReset(msgspec.Struct):
    """What happens next; the same whether there is such a user or not."""

    minutes: Annotated[int, Meta(examples=[60])]
    """How long the link is good that is mailed to a user with that address."""


def totp_setup(email: str) -> TotpSetup:
    """A new secret, for the authenticator of the user with the e-mail address."""
    secret = pyotp.random_base32()
    return TotpSetup(secret, TOTP(secret, name=email, issuer=ISSUER).provisioning_uri())


def sealed_totp(secret: str, user_id: UUID, totp_secret: str) -> bytes:
    """The authenticator's secret as the database keeps it, for this user and no other."""
    return encrypted(secret, f"totp {user_id}", totp_secret)


def totp_step(secret: str, user: Any, code: str, now: datetime) -> int | None:
    """The step that a code is of, the current one or one beside it (clocks differ). None for a wrong code, and for one
    that was used already or is older.

    `user` is a row with `id`, `totp_secret` and `totp_step` (RFC 6238, 5.2: a code is good once).
    """
    totp_secret = decrypted(secret, f"totp {user.id}", user.totp_secret)
    if totp_secret is None:
        return None
    try:
        step = TOTP(totp_secret).verify_and_get_timecode(code, for_time=now, valid_window=1)
    except OTPVerificationError:
        return None
    return step if user.totp_step is None or step > user.totp_step else None
