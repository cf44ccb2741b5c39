"""The first page of a new installation, which creates its first administrator and clinic. It works without JavaScript.

It exists only while there has never been an administrator. Visitors need the link that Appoint prints when it starts,
and that `appoint setup-link` prints again, except in development mode on the same machine.
"""

from datetime import timedelta
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath

from ..clinics.clinics.model import suggest_slug
from ..http import decoding
from ..http.cookies import set_session_cookie
from ..http.development import is_development
from ..http.forms import parse_form
from ..http.languages import language_for, language_names
from ..http.request import Request
from ..http.routes import route
from ..identity.setup import service
from ..identity.setup.model import Installation, is_valid_code
from ..kit import clock, errors, money, phones
from ..kit.i18n import one_line, translate
from .rendering import NO_STORE, faults_by_field, redirect, render

SIGN_IN: Final = route(permission="sign-in", page=True)
USUAL_ZONES: Final = {"en": "Europe/London", "de": "Europe/Berlin", "es": "Europe/Madrid", "fr": "Europe/Paris"}
"""The time zone to suggest for each language until the page's script finds out the browser's."""


@get(["/setup", "/setup/{code:str}"], operation_id="showSetUp", opt=SIGN_IN, include_in_schema=False)
async def show(request: Request, code: FromPath[str | None] = None) -> Response[Any]:
    await _expect_open(request)
    if not _may_set_up(request, code or ""):
        return _locked_page(request, has_code=bool(code))
    return _page(request, {"code": code or ""}, {})


@post("/setup", operation_id="setUpByForm", status_code=200, opt=SIGN_IN, include_in_schema=False)
async def set_up(request: Request) -> Response[Any]:
    """Create the administrator and the clinic, sign the administrator in, and continue with the clinic's own set-up.
    The code is in the form rather than the address, because addresses are logged."""
    fields = await parse_form(request)
    await _expect_open(request)
    if not _may_set_up(request, fields.get("code", "")):
        return _locked_page(request, has_code=True, status_code=403)
    lifetime = timedelta(hours=request.services.settings.session_hours)
    try:
        created = await service.set_up(
            request.db, request.user, content=_content(request, fields), lifetime=lifetime, now=clock.now()
        )
    except errors.Invalid as invalid:
        return _page(request, fields, faults_by_field(invalid, language_for(request)), status_code=400)
    except errors.Conflict as conflict:
        if conflict.type != "slug-taken":
            raise
        fault = translate(language_for(request), "is already taken by another clinic")
        return _page(request, fields, {"slug": fault}, status_code=409)
    response = redirect(f"/staff/{created.clinic_id}/setup")
    set_session_cookie(response, created.token, lifetime)
    return response


async def _expect_open(request: Request) -> None:
    if not await service.is_open(request.db):
        raise errors.NotFound


def _may_set_up(request: Request, code: str) -> bool:
    return is_development(request) or is_valid_code(request.services.secret_key, code, clock.now())


def _content(request: Request, fields: dict[str, str]) -> Installation:
    """Return what the form contains. Raise `Invalid` with all faults."""
    name, zone = one_line(fields.get("name")), fields.get("timeZone", "")
    slug = fields.get("slug", "").strip().lower() or suggest_slug(name)
    clinic = {
        "name": name,
        "slug": slug or None,
        "timeZone": zone,
        "locale": fields.get("locale") or language_for(request),
        "currency": money.currency_of(phones.country_of_zone(zone) or ""),
    }
    person = {"administrator": one_line(fields.get("administrator")), "email": fields.get("email", "").strip()}
    return decoding.convert(Installation, {**person, "password": fields.get("password", ""), "clinic": clinic})


def _page(request: Request, fields: dict[str, str], faults: Any, *, status_code: int = 200) -> Response[Any]:
    language = language_for(request)
    return render(
        request,
        "setup/first_run.html",
        status_code=status_code,
        cache_control=NO_STORE,
        fields=fields,
        faults=faults,
        zones=[(zone, zone.replace("_", " ")) for zone in sorted(clock.ZONES)],
        zone=fields.get("timeZone") or USUAL_ZONES[language],
        locales=list(language_names(request).items()),
        address=request.services.settings.public_url or str(request.base_url).rstrip("/"),
    )


def _locked_page(request: Request, *, has_code: bool, status_code: int = 200) -> Response[Any]:
    return render(request, "setup/locked.html", status_code=status_code, cache_control=NO_STORE, has_code=has_code)


PAGES: Final = [show, set_up]
