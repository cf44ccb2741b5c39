"""Pages for development: the mailbox, which contains messages that were not sent because no provider is configured, and
the components from which pages are built.
"""

import re
from typing import Final

from litestar import Response, get
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK, HTTP_410_GONE

from ..calls.joining import service as joining
from ..calls.providers.demo import PATH, read_entry
from ..http.development import expect_development
from ..http.request import Request
from ..http.routes import route
from ..kit import clock, errors
from ..messaging.channels import service
from ..messaging.channels.model import DevMessage
from ..payments.documents.wording import invoice_sheet
from .rendering import NO_FRAMES, NO_STORE, POLICY, local_pictures, render
from .sample_invoice import sample_invoice

PAGE_SIZE: Final = 200
INLINE_STYLES: Final = POLICY.format(styles="'unsafe-inline'", frame_ancestors=NO_FRAMES)
"""Emails have inline styles, and their sandboxed frame inherits this policy."""


@get("/dev/mailbox", operation_id="showMailbox", opt=route(permission="public", page=True), include_in_schema=False)
async def show_mailbox(request: Request) -> Response[str]:
    expect_development(request)
    return render(
        request,
        "dev/mailbox.html",
        styles="docs.css",
        cache_control=NO_STORE,
        messages=await service.list_newest(request.db, limit=PAGE_SIZE),
    )


@get(
    "/dev/mailbox/{name:str}",
    operation_id="showMessage",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def show_message(request: Request, name: FromPath[str]) -> Response[str]:
    """Show a message (`7`), or return its calendar part (`7.ics`)."""
    expect_development(request)
    id, dot, extension = name.partition(".")
    message = await _message(request, id)
    if not dot:
        page = render(
            request,
            "dev/mailbox_message.html",
            styles="docs.css",
            cache_control=NO_STORE,
            message=message,
            html=local_pictures(request, message.html),
        )
        page.set_header("Content-Security-Policy", INLINE_STYLES)
        return page
    if extension != "ics" or message.calendar is None:
        raise errors.NotFound
    headers = {"Cache-Control": NO_STORE, "Content-Disposition": 'attachment; filename="invite.ics"'}
    return Response(message.calendar, media_type="text/calendar", headers=headers)


async def _message(request: Request, id: str) -> DevMessage:
    if not re.fullmatch("[1-9][0-9]{0,17}", id):
        raise errors.NotFound
    return await service.get(request.db, int(id))


@get(
    PATH + "/{token:str}",
    operation_id="showDemoCall",
    opt=route(permission="public", page=True),
    include_in_schema=False,
)
async def show_call(request: Request, token: FromPath[str]) -> Response[str]:
    """Show who is in a demo call, or that its room has been closed."""
    expect_development(request)
    entry = read_entry(request.services.secret_key, token, now=clock.now())
    visit = entry and await joining.find_visit_of_call(request.services.db, entry.call_id)
    if entry is None or visit is None:
        raise errors.NotFound
    is_open = visit.uses_room(entry.call_id, "demo")
    return render(
        request,
        "dev/call.html",
        status_code=HTTP_200_OK if is_open else HTTP_410_GONE,
        cache_control=NO_STORE,
        language="en",
        entry=entry,
        visit=visit,
        is_open=is_open,
    )


@get("/design", operation_id="showDesign", opt=route(permission="public", page=True), include_in_schema=False)
async def show_design(request: Request) -> Response[str]:
    expect_development(request)
    return render(
        request,
        "dev/design.html",
        styles="docs.css",
        cache_control=NO_STORE,
        language="en",
        invoice=invoice_sheet(sample_invoice()),
    )


PAGES: Final = [show_mailbox, show_message, show_call, show_design]
