"""What requests with passkeys have in common."""

import secrets

from ...http.cookies import browser_id_of
from ...http.request import Request
from .model import RelyingParty, relying_party


def party_of(request: Request) -> RelyingParty:
    """Return this server as authenticators know it: by its public address or, if there is none, by the address in the
    request. Only development mode, which works only on this machine, has no public address.
    """
    return relying_party(request.services.settings.public_url or str(request.base_url), request.services.secret_key)


def browser_id_for(request: Request) -> str:
    """Return the browser's id, or a new one for a browser that does not have one."""
    return browser_id_of(request) or secrets.token_urlsafe(32)
