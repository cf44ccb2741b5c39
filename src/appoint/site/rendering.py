"""What every page needs once: templates in the visitor's language, forms, who may see it, and refusals that a person
can read."""

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID

from babel import Locale
from babel.dates import format_date, format_skeleton, format_timedelta
from babel.numbers import format_currency, get_currency_precision
from babel.units import format_unit
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap
from markupsafe import Markup

from ..http.access import COOKIE, csrf_token, guard
from ..http.etags import matches
from ..http.forms import parse_form, query_params
from ..http.languages import LANGUAGE_COOKIE, language_for
from ..http.problems import handlers as problem_handlers
from ..http.routes import route_in
from ..http.services import services_of
from ..kit import date_formats, errors, phones
from ..kit import fields as wire
from ..kit.i18n import LANGUAGES, template_functions, translate
from ..kit.money import Money
from . import assets

AnyRequest = Request[Any, Any, Any]
E = TypeVar("E", bound=Exception)
POLICY: Final = "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; img-src 'self' data:; style-src 'self' {styles}; frame-ancestors {within}"
REVALIDATE: Final = "private, no-cache"
NO_STORE: Final = "no-store"
"""For a page that shows one person's things: for nobody's cache."""
RIGHT_TO_LEFT: Final = frozenset(language for language in LANGUAGES if Locale.parse(language).text_direction == "rtl")
A_YEAR: Final = 31_536_000
SOME_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)

templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
"""Templates are named by their path in `site/templates`: `base.html`, `public/times.html`."""


def _data(value: Any) -> Markup:
    """A value as JSON that can stand in a page's `<script type="application/json">`."""
    return Markup(json.dumps(value, separators=(",", ":"), default=str).replace("<", "\\u003c"))  # noqa: S704  what could end the element is escaped


def _date(value: date, language: str, width: Literal["full", "long", "medium", "short"] = "full") -> str:
    return format_date(value, width, locale=language)


def _skeleton(value: date | datetime, language: str, pattern: str) -> str:
    """A date in the parts that a CLDR skeleton names: `MMMd` is “Mar 1”."""
    return format_skeleton(pattern, value, locale=language)


def _wall(value: str, language: str, until: str = "") -> str:
    """A wall time as the wire has it, or two: “9:30 AM”, “9:30 – 11:00 AM”. The end of a day looks like its beginning."""
    first, last = (SOME_DAY + timedelta(minutes=wire.parse_wall_time(each)) for each in (value, until or value))
    return date_formats.hours(first, last, "UTC", language) if until else date_formats.time(first, "UTC", language)


def money(value: Money, language: str) -> str:
    return format_currency(value.amount / 10 ** _decimals(value.currency), value.currency, locale=language)


@lru_cache(200)
def _decimals(currency: str) -> int:
    return get_currency_precision(currency)


def _minutes(minutes: int, language: str) -> str:
    """“20 min”"""
    return format_unit(minutes, "duration-minute", "short", locale=language)


def soon(seconds: int, language: str) -> str:
    """“in 3 minutes”, and never sooner than it is."""
    unit = 60 if seconds <= 3600 else 3600
    return format_timedelta(timedelta(seconds=-(-seconds // unit) * unit), add_direction=True, locale=language)


def written(instant: datetime) -> str:
    """As an address and a `<time>` write it."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


FILTERS: Final[dict[str, Any]] = {
    "day": date_formats.day,
    "time": date_formats.time,
    "hours": date_formats.hours,
    "moment": date_formats.moment,
    "date": _date,
    "wall": _wall,
    "skeleton": _skeleton,
    "money": money,
    "minutes": _minutes,
    "soon": soon,
    "instant": written,
    "zone": date_formats.zone,
    "phone": phones.format_international,
    "data": _data,
}
templates.filters.update(FILTERS)


def render(
    request: AnyRequest,
    template: str,
    *,
    language: str | None = None,
    status_code: int = 200,
    cache_control: str = REVALIDATE,
    styles: str = "patient.css",
    within: str = "'none'",
    **values: Any,
) -> Response[Any]:
    """A template as an answer: in the visitor's language, or in the only one it has.

    A page that is not `OWN` is packed, and answered by 304 to who has it. `within` says which sites may show it in a
    frame.
    """
    chosen = language or language_for(request)
    sheet, digest = assets.style(styles)
    html = templates.get_template(template).render(
        language=chosen,
        direction="rtl" if chosen in RIGHT_TO_LEFT else "ltr",
        sheet=sheet,
        script=assets.script_url,
        languages=[]
        if language
        else [
            (code, str(Locale.parse(code).get_display_name(code)), _in_language(request, code)) for code in LANGUAGES
        ],
        path=request.scope["path"],
        csrf=csrf(request),
        **template_functions(chosen),
        **values,
    )
    headers = {
        "Content-Language": chosen,
        "Vary": "Accept-Language, Accept-Encoding, Cookie",
        "Cache-Control": cache_control,
        "Content-Security-Policy": POLICY.format(styles=digest, within=within),
    }
    if cache_control == NO_STORE:
        headers["X-Robots-Tag"] = "noindex"
    response = _answer(request, html, headers, status_code)
    if query_params(request).get("lang") == chosen and within != "*":  # in another site's frame nothing is kept
        response.set_cookie(Cookie(LANGUAGE_COOKIE, value=chosen, path="/", max_age=A_YEAR, samesite="lax"))
    return response


def _answer(request: AnyRequest, html: str, headers: dict[str, str], status_code: int) -> Response[Any]:
    if headers["Cache-Control"] == NO_STORE:  # nor packed: how well something packs tells what stands beside it
        return Response(html, media_type=MediaType.HTML, headers=headers, status_code=status_code)
    body = html.encode()
    headers["ETag"] = tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if status_code == 200 and matches(request.headers.get("if-none-match"), tag, weakly=True):
        return Response(None, status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=6, mtime=0)
    return Response(body, media_type=MediaType.HTML, headers=headers, status_code=status_code)


def _in_language(request: AnyRequest, language: str) -> str:
    """The address of the same page in a language."""
    return url_with(request, lang=language)


def csrf(request: AnyRequest) -> str:
    """What a form of somebody signed in sends as `csrf`; empty for nobody."""
    token = request.cookies.get(COOKIE)
    return csrf_token(services_of(request).secret_key, token) if token else ""


def url_with(request: AnyRequest, **changed: str | UUID | None) -> str:
    """The address of the same page with this of its query changed; what is None is left out."""
    return "?" + urlencode(
        {name: value for name, value in {**query_params(request), **changed}.items() if value is not None}
    )


def redirect(address: str) -> Redirect:
    """To another page, after a form."""
    return Redirect(address, status_code=303, headers={"Cache-Control": NO_STORE, "X-Robots-Tag": "noindex"})


def faults_by_field(invalid: errors.Invalid, language: str) -> Mapping[str, str]:
    """What is wrong in each field, by the name it has in its form: the pointer's last part."""
    return {
        fault.pointer.rpartition("/")[2]: translate(language, fault.text, **fault.values)
        for fault in reversed(invalid.faults)
    }


async def enter(request: AnyRequest) -> Response[Any] | None:
    """Before each page: who may not see it without signing in is asked to. Forms of other sites are refused, whoever
    has signed in here."""
    if request.method == "POST" and request.headers.get("sec-fetch-site") == "cross-site":
        raise errors.Forbidden
    try:
        await guard(request)
    except errors.Unauthorized:
        if request.method != "GET":
            raise
        back = _address(request)
        return redirect(f"{'/staff/sign-in' if back.startswith('/staff') else '/sign-in'}?next={quote(back, safe='')}")
    except (errors.TooMany, errors.Unavailable):
        if request.method == "POST":
            with suppress(errors.Invalid, HTTPException):
                await parse_form(request)  # so that it can be sent again
        raise
    return None


def _address(request: AnyRequest) -> str:
    return request.scope["path"] + (f"?{query.decode()}" if (query := request.scope["query_string"]) else "")


def next_page(request_or_form: Mapping[str, str], otherwise: str) -> str:
    """Where somebody wanted to go who had to sign in first: a page of ours, never another site's."""
    wanted = request_or_form.get("next", "")
    safe = (
        wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and "\\" not in wanted and wanted.isprintable()
    )
    return wanted if safe else otherwise


def _is_page(request: AnyRequest) -> bool:
    """Whether a person sees the answer: what asked for a page, or for nothing that is there."""
    if "route_handler" in request.scope:
        declared = route_in(request.scope)
        return declared is not None and declared.page
    return "text/html" in request.headers.get("accept", "") and not request.scope["path"].startswith("/api/")


def refused(request: AnyRequest, response: Response[Any]) -> Response[Any]:
    """A problem document as a page. What was typed into a form that may be sent again later is in it, to be sent again."""
    problem = json.loads(response.content)
    wait = int(response.headers.get("Retry-After", 0))
    try:
        shown = render(
            request,
            "refused.html",
            status_code=problem["status"],
            cache_control=NO_STORE,
            within="*" if request.scope["path"].startswith("/embed/") else "'none'",
            problem=problem,
            again=request.method == "GET",
            wait=wait,
            address=_address(request),
            typed=request.scope["state"].get("typed") if wait else None,
        )
    except Exception:  # noqa: BLE001  then the document itself must do
        return response
    shown.headers |= {
        name: value for name, value in response.headers.items() if name.lower() in ("retry-after", "allow")
    }
    return shown


def readable(request: AnyRequest, response: Response[Any]) -> Response[Any]:
    """A problem document, or the page of it where a person sees it."""
    return refused(request, response) if _is_page(request) else response


def _readable_from(document_of: Callable[[AnyRequest, E], Response[bytes]]) -> Callable[[AnyRequest, E], Response[Any]]:
    """Return an exception handler that shows the problem document of an error, or the page of it."""

    def handle(request: AnyRequest, error: E) -> Response[Any]:
        return readable(request, document_of(request, error))

    return handle


HANDLERS: Final[ExceptionHandlersMap] = {
    errors.AppointError: _readable_from(problem_handlers.on_refusal),
    HTTPException: _readable_from(problem_handlers.on_http_error),
    Exception: _readable_from(problem_handlers.on_bug),
}
