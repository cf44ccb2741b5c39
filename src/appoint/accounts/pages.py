"""The pages behind mailed links: choose a password, or ask for another link. They work without a script."""

from typing import Any, Final
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.params import FromPath

from .. import clock, errors
from ..web import attempts
from ..web.access import guard
from ..web.docs import page
from ..web.request import Request
from ..web.words import language_of
from ..words import say
from . import service

SIGN_IN: Final = {"permission": "sign-in"}


@get("/credentials/{token:str}", operation_id="showCredentials", opt=SIGN_IN, include_in_schema=False, before_request=guard)
async def show(request: Request, token: FromPath[str]) -> Response[str]:
    try:
        await service.of_link(request.db, token=token, secret=request.app.state.secret_key, now=clock.now())
    except errors.AppointError as refusal:
        return _refused(request, refusal)
    return _own(request, "credentials.html", token=token, fault=None)


@post("/credentials", operation_id="setCredentialsByForm", status_code=200, opt=SIGN_IN, include_in_schema=False, before_request=guard)
async def choose(request: Request) -> Response[str]:
    """The token stands in the form and not in the address, which is written down."""
    form = await _form(request)
    token, password = form.get("token", ""), form.get("password", "")
    try:
        email = await service.take_up(request.db, request.user, token=token, password=password, secret=request.app.state.secret_key, now=clock.now())
        await attempts.succeeded(request, account=email.lower(), now=clock.now())
    except errors.Invalid as invalid:
        (fault,) = invalid.faults
        language = language_of(request.headers.get("accept-language"))
        return _own(request, "credentials.html", status_code=400, token=token, fault=say(language, fault.text, **fault.values))
    except errors.AppointError as refusal:
        return _refused(request, refusal)
    return _own(request, "credentials_done.html")


def _refused(request: Request, refusal: errors.AppointError) -> Response[str]:
    if refusal.type not in ("link-used", "link-expired", "not-found"):
        raise refusal
    return _own(request, "password_reset.html", status_code=404 if refusal.type == "not-found" else 409, refusal=refusal.type, asked=False)


@get("/password-reset", operation_id="showPasswordReset", opt=SIGN_IN, include_in_schema=False, before_request=guard)
async def show_reset(request: Request) -> Response[str]:
    return _own(request, "password_reset.html", refusal=None, asked=False)


@post("/password-reset", operation_id="resetPasswordByForm", status_code=200, opt=SIGN_IN, include_in_schema=False, before_request=guard)
async def reset(request: Request) -> Response[str]:
    """Says the same whether there is such a user or not."""
    form = await _form(request)
    email = form.get("email", "").strip()
    await attempts.admit(request, account=email.lower(), now=clock.now())
    await request.db.atomic(service.ask_for_reset, request.user, email=email, now=clock.now())
    return _own(request, "password_reset.html", refusal=None, asked=True)


async def _form(request: Request) -> dict[str, str]:
    """Raises `Invalid` for what no browser sends."""
    try:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=10))
    except ValueError:
        raise errors.Invalid(errors.Fault("#", "is not valid")) from None
    if any("\0" in value or len(value) > 2000 for value in form.values()):
        raise errors.Invalid(errors.Fault("#", "is not valid"))
    return form


def _own(request: Request, template: str, *, status_code: int = 200, **values: Any) -> Response[str]:
    """A page for the one who has the link, and for nobody's cache."""
    response = page(request, template, **values)
    response.status_code = status_code
    response.set_header("Cache-Control", "no-store")
    return response


PAGES: Final = [show, choose, show_reset, reset]
