"""/dev/mailbox: what would have been sent, where no provider is set up"""

import re
from typing import Final

from litestar import Response, get
from litestar.params import FromPath

from ..http.request import Request
from ..http.routes import route
from ..kit import errors
from ..messaging.channels import repository
from ..messaging.channels.model import Kept
from .rendering import NO_STORE, POLICY, render

SHOWN: Final = 200
STYLED: Final = POLICY.format(styles="'unsafe-inline'", within="'none'")
"""A mail's styles are inline; its frame, which is sandboxed, inherits this policy."""


@get("/dev/mailbox", operation_id="showMailbox", opt=route(permission="public", page=True), include_in_schema=False)
async def show_mailbox(request: Request) -> Response[str]:
    _expect_development(request)
    return render(
        request,
        "dev/mailbox.html",
        styles="docs.css",
        cache_control=NO_STORE,
        messages=await repository.newest(request.db, limit=SHOWN),
    )


@get(
    "/dev/mailbox/{name:str}",
    operation_id="showMessage",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def show_message(request: Request, name: FromPath[str]) -> Response[str]:
    """One message (`7`), or its calendar part (`7.ics`)."""
    _expect_development(request)
    id, dot, ics = name.partition(".")
    message = await _find(request, id)
    if not dot:
        shown = render(request, "dev/mailbox_message.html", styles="docs.css", cache_control=NO_STORE, message=message)
        shown.set_header("Content-Security-Policy", STYLED)
        return shown
    if ics != "ics" or message.calendar is None:
        raise errors.NotFound
    headers = {"Cache-Control": NO_STORE, "Content-Disposition": 'attachment; filename="invite.ics"'}
    return Response(message.calendar, media_type="text/calendar", headers=headers)


def _expect_development(request: Request) -> None:
    if request.services.settings.mode != "development":
        raise errors.NotFound


async def _find(request: Request, id: str) -> Kept:
    message = await repository.find(request.db, int(id)) if re.fullmatch("[1-9][0-9]{0,17}", id) else None
    if message is None:
        raise errors.NotFound
    return message


PAGES: Final = [show_mailbox, show_message]
