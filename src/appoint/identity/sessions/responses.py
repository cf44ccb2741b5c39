"""The response to a successful sign-in."""

from msgspec import UNSET

from ...http.access import csrf_token
from ...http.request import Request
from ..accounts.model import Account
from .model import Session, SignedIn


def sign_in_response(request: Request, session: Session, account: Account, token: str, *, cookie: bool) -> SignedIn:
    """Return the response to a sign-in: the token, or the CSRF token if a cookie holds the token."""
    return SignedIn(
        id=session.id,
        expires_at=session.expires_at,
        account=account,
        token=UNSET if cookie else token,
        csrf_token=csrf_token(request.services.secret_key, token) if cookie else UNSET,
    )
