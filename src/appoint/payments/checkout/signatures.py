"""Sign the payment provider's events, and check their signatures (`Stripe-Signature`)."""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

TOLERANCE_SECONDS: Final = 300
"""How far an event's time may be from ours, in either direction."""
MAX_HEADER_LENGTH: Final = 1000
_TIME: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def sign(body: bytes, *, secret: str, now: datetime) -> str:
    """Return the header that proves the event's origin and time."""
    seconds = str(int(now.timestamp()))
    return f"t={seconds},v1={_digest(secret, seconds, body)}"


def is_signed(body: bytes, header: str, *, secrets: Sequence[str], now: datetime) -> bool:
    """Return whether the header contains a signature of the body made recently with any of the secrets.

    All combinations are compared, in constant time, so the response time reveals nothing about them.
    """
    if len(header) > MAX_HEADER_LENGTH:
        return False
    pairs = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name.strip() == "t"]
    signatures = [value.encode(errors="replace") for name, _, value in pairs if name.strip() == "v1"]
    if len(times) != 1 or not _TIME.fullmatch(times[0]):
        return False
    if abs(now.timestamp() - int(times[0])) > TOLERANCE_SECONDS:
        return False
    expected = [_digest(secret, times[0], body).encode() for secret in secrets]
    return any([hmac.compare_digest(one, other) for one in expected for other in signatures])  # noqa: C419


def _digest(secret: str, seconds: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), seconds.encode() + b"." + body, "sha256").hex()
