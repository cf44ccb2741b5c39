"""Refuse requests that name the clinic only in their body while its visitors wait in a queue.

The queue's gate (`clinics/queues/gate.py`) checks all other requests before they are routed.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar import Request

CHECK: Final = "check_turn"
"""The key in a request's state under which the gate stores its check."""
HEADERS: Final = "queue_headers"
"""The key in a request's state with headers that the gate adds to the response."""


async def expect_turn(request: Request[Any, Any, Any], clinic_id: int) -> None:
    """Raise `InQueue` if the caller has to wait before booking at the clinic."""
    check: Callable[[int], Awaitable[None]] | None = request.scope["state"].get(CHECK)
    if check:
        await check(clinic_id)
