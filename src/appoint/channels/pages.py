"""/dev/mailbox: what would have been sent, where no provider is set up"""

import re
from typing import Any, Final

from litestar import Response, get
from litestar.params import FromPath

from .. import errors
from ..web.docs import page
from ..web.request import Request
from . import repository
from .model import Kept

PUBLIC: Final = {"permission": "public"}
SHOWN: Final = 200
STYLED: Final = "default-src 'self'; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
"""A mail's styles are inline; its frame, which is sandboxed, inherits this policy."""


@get("/dev/mailbox", operation_id="showMailbox", opt=PUBLIC, include_in_schema=False)
async def show_mailbox(request: Request) -> Response[str]:
    _expect_development(request)
    return _fresh(page(request, "mailbox.html", messages=await repository.newest(request.db, limit=SHOWN)))


@get("/dev/mailbox/{name:str}", operation_id="showMessage", opt=PUBLIC, include_in_schema=False)
async def show_message(request: Request, name: FromPath[str]) -> Response[str]:
    """One message (`7`), or its calendar part (`7.ics`)."""
    _expect_development(request)
    id, dot, ics = name.partition(".")
    message = await _find(request, id)
    if not dot:
        shown = page(request, "mailbox_message.html", message=message)
        shown.set_header("Content-Security-Policy", STYLED)
        return _fresh(shown)
    if ics != "ics" or message.calendar is None:
        raise errors.NotFound
    return _fresh(Response(message.calendar, media_type="text/calendar", headers={"Content-Disposition": 'attachment; filename="invite.ics"'}))


def _expect_development(request: Request) -> None:
    if request.app.state.settings.mode != "development":
        raise errors.NotFound


async def _find(request: Request, id: str) -> Kept:
    message = await repository.find(request.db, int(id)) if re.fullmatch("[1-9][0-9]{0,17}", id) else None
    if message is None:
        raise errors.NotFound
    return message


def _fresh(response: Response[Any]) -> Response[Any]:
    """What stands in the mailbox changes at any moment, and is nobody else's to keep."""
    response.set_header("Cache-Control", "no-store")
    return response


PAGES: Final = [show_mailbox, show_message]
