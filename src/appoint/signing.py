"""Links that only we can have made: what they carry can be read by anyone and changed by nobody."""

from typing import Any

from itsdangerous import BadData, URLSafeSerializer


def signed(secret: str, purpose: str, value: Any) -> str:
    """The value as a token for an address. One made for one purpose is none for another."""
    return str(URLSafeSerializer(secret, salt=purpose).dumps(value))


def opened(secret: str, purpose: str, token: str) -> Any:
    """The value of a token; None for one that we have not made for that purpose."""
    try:
        return URLSafeSerializer(secret, salt=purpose).loads(token)
    except BadData:
        return None
