"""Customer tokens. They prove for an hour that their holder has registered a customer, so that the holder can book for
them. A customer's id alone proves nothing: many people and systems know it.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from ..kit.signed_tokens import sign, verify

PREFIX: Final = "apc_"
PURPOSE: Final = "customer"
TOKEN_TTL: Final = timedelta(hours=1)


def create_token(secret: str, customer_id: UUID, *, now: datetime) -> str:
    """Return a token for a customer who has just been registered."""
    return PREFIX + sign(secret, PURPOSE, [customer_id.hex, int((now + TOKEN_TTL).timestamp())])


def is_proof(secret: str, token: str | None, customer_id: UUID, *, now: datetime) -> bool:
    """Return whether the token is valid for this customer and has not expired."""
    if not token or not token.startswith(PREFIX):
        return False
    value: Any = verify(secret, PURPOSE, token.removeprefix(PREFIX))
    return value is not None and value[0] == customer_id.hex and now.timestamp() < value[1]
