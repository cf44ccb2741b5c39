"""Throttle and record guesses at the signed-in user's credentials."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from ...audit import Refusals
from ...http.rate_limits import sign_in_throttle
from ...http.request import Request
from ...kit import clock, errors
from .service import WRONG_CODE, WRONG_PASSKEY, WRONG_PASSWORD

T = TypeVar("T")


async def throttle_guesses(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Run work that checks the signed-in user's password. Wrong guesses are limited in the same way as when signing
    in."""
    account = f"user {request.user.user_id}"
    try:
        await sign_in_throttle.count_attempt(request, account=account, now=clock.now())
    except BaseException:
        work.close()
        raise
    try:
        result = await work
    except errors.Invalid as invalid:
        if any(fault.text in (WRONG_PASSWORD, WRONG_CODE, WRONG_PASSKEY) for fault in invalid.faults):
            await request.services.get(Refusals).record(
                request.db,
                request.user,
                "passwordRefused",
                outcome=request.user.operation,
                clinic_ids=[membership.clinic_id for membership in request.user.memberships],
            )
        raise
    await sign_in_throttle.record_success(request, account=account, now=clock.now())
    return result
