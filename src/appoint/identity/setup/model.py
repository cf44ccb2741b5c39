"""A new installation's first administrator and clinic."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ...clinics.clinics.model import ClinicContent
from ...kit.signed_tokens import sign, verify
from ...kit.structs import RequestBody
from ..accounts.model import Password, UserEmail, UserName

CODE_PURPOSE: Final = "setup"
CODE_TTL: Final = timedelta(days=1)


class Installation(RequestBody):
    """The first administrator, who also becomes the manager of the first clinic."""

    administrator: UserName
    email: UserEmail
    password: Password
    clinic: ClinicContent


class NewInstallation(NamedTuple):
    clinic_id: int
    token: str
    """The administrator's session, which is not stored anywhere."""


def setup_code(secret: str, now: datetime) -> str:
    """Return the code for a set-up link. Only someone who can read the installation's key can create it."""
    return sign(secret, CODE_PURPOSE, int((now + CODE_TTL).timestamp()))


def is_valid_code(secret: str, code: str, now: datetime) -> bool:
    expires = verify(secret, CODE_PURPOSE, code) if code else None
    return isinstance(expires, int) and now.timestamp() < expires
