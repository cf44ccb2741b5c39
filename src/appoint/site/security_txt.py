"""/.well-known/security.txt (RFC 9116), which tells people where to report a vulnerability in this installation."""

from datetime import timedelta
from typing import Final

from litestar import Response, get

from ..http.request import Request
from ..http.routes import route
from ..kit import clock, errors

PATH: Final = "/.well-known/security.txt"
VALIDITY: Final = timedelta(days=180)
"""RFC 9116 recommends less than a year."""
CACHE_CONTROL: Final = {"Cache-Control": "public, max-age=86400"}


@get(PATH, operation_id="showSecurityContact", opt=route(permission="public", page=True), include_in_schema=False)
async def show_security_contact(request: Request) -> Response[str]:
    """Show the operator's contact for security reports, if there is one."""
    settings = request.services.settings
    if not settings.security_contact:
        raise errors.NotFound
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: {settings.security_contact}",
        f"Expires: {midnight + VALIDITY:%Y-%m-%dT%H:%M:%SZ}",
        f"Canonical: {settings.links_url}{PATH}",
    )
    return Response("\n".join((*lines, "")), media_type="text/plain", headers=CACHE_CONTROL)


PAGES: Final = [show_security_contact]
