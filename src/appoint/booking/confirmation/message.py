"""Where a booking's code was sent, as its booker sees it."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec


class Confirmation(msgspec.Struct, rename="camel", frozen=True):
    """The message with the code that confirms a booking."""

    channel: Literal["email", "sms"]
    sent_to: Annotated[str, msgspec.Meta(examples=["a•••@example.org"])]
    """The customer's email address or phone number, mostly masked."""
    expires_at: datetime
    """When the code and the hold expire."""

    @classmethod
    def to(cls, masked_address: str, expires_at: datetime) -> "Confirmation":
        return cls("email" if "@" in masked_address else "sms", masked_address, expires_at)
