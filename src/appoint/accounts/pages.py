"""The pages behind mailed links: choose a password, or ask for another link. They work without a script."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from .. import clock, errors
from ..web import attempts
from ..web.pages import OWN, faults_by_field, form, opened, page
from ..web.request import Request
from ..web.words import language_for
from . import service

SIGN_IN: Final = opened("sign-in")


@get("/credentials/{token:str}", operation_id="showCredentials", opt=SIGN_IN, include_in_schema=False)
async def show(request: Request, token: FromPath[str]) -> Response[Any]:
    try:
        await service.of_link(request.db, token=token, secret=request.app.state.secret_key, now=clock.now())
    except errors.AppointError as refusal:
        return _refused(request, refusal)
    return _own(request, "credentials.html", token=token, fault=None)


@post("/credentials", operation_id="setCredentialsByForm", status_code=200, opt=SIGN_IN, include_in_schema=False)
async def choose(request: Request) -> Response[Any]:
    """The token stands in the form and not in the address, which is written down."""
    fields = await form(request)
    token, password = fields.get("token", ""), fields.get("password", "")
    try:
        email = await service.take_up(request.db, request.user, token=token, password=password, secret=request.app.state.secret_key, now=clock.now())
        await attempts.succeeded(request, account=email.lower(), now=clock.now())
    except errors.Invalid as invalid:
        (fault,) = faults_by_field(invalid, language_for(request)).values()
        return _own(request, "credentials.html", status_code=400, token=token, fault=fault)
    except errors.AppointError as refusal:
        return _refused(request, refusal)
    return _own(request, "credentials_done.html")


def _refused(request: Request, refusal: errors.AppointError) -> Response[Any]:
    if refusal.type not in ("link-used", "link-expired", "not-found"):
        raise refusal
    return _own(request, "password_reset.html", status_code=404 if refusal.type == "not-found" else 409, refusal=refusal.type, asked=False)


@get("/password-reset", operation_id="showPasswordReset", opt=SIGN_IN, include_in_schema=False)
async def show_reset(request: Request) -> Response[Any]:
    return _own(request, "password_reset.html", refusal=None, asked=False)


@post("/password-reset", operation_id="resetPasswordByForm", status_code=200, opt=SIGN_IN, include_in_schema=False)
async def reset(request: Request) -> Response[Any]:
    """Says the same whether there is such a user or not."""
    email = (await form(request)).get("email", "").strip()
    await attempts.admit(request, account=email.lower(), now=clock.now())
    await request.db.atomic(service.ask_for_reset, request.user, email=email, now=clock.now())
    return _own(request, "password_reset.html", refusal=None, asked=True)


def _own(request: Request, template: str, *, status_code: int = 200, **values: Any) -> Response[Any]:
    return page(request, template, status_code=status_code, cache_control=OWN, **values)


PAGES: Final = [show, choose, show_reset, reset]
