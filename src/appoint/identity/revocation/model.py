"""Accounts as the platform's administrators see them."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import Meta

from ...kit.structs import PageQuery, Resource
from ..accounts.model import UserEmail, UserName


class AccountFilter(PageQuery):
    email: Annotated[str, Meta(max_length=254, examples=["mia@example.org"])] | None = None
    """Return only the account with this email address."""
    administrator: bool | None = None
    """Return only administrators, or only other users."""


class ListedAccount(Resource):
    """A user's account, regardless of their roles at clinics."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "id": "01978a5c-7d3e-7a63-84f7-074d226b3d5e",
        "version": 3,
        "createdAt": "2027-02-01T10:15:00Z",
        "updatedAt": "2027-02-28T07:31:00Z",
        "email": "mia@example.org",
        "name": "Mia Klein",
        "administrator": False,
        "disabledAt": None,
        "totp": True,
        "clinicIds": [1],
    }

    id: UUID
    email: UserEmail
    name: UserName
    administrator: bool
    disabled_at: datetime | None
    """When the account was disabled; null if it is enabled. A disabled account cannot sign in anywhere."""
    totp: bool
    """Whether signing in requires a code from an authenticator."""
    clinic_ids: list[int]
    """The clinics where the user works."""
