"""Render templates as pages in the visitor's language."""

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from babel import Locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie
from litestar.response import Redirect
from markupsafe import Markup

from ..http.access import COOKIE, csrf_token
from ..http.caching import RESTORABLE, is_anonymous
from ..http.dependencies import find_services, services_of
from ..http.etags import matches
from ..http.forms import query_params
from ..http.languages import LANGUAGE_COOKIE, language_tag_for
from ..http.routes import route_in
from ..kit import errors, regions
from ..kit.i18n import LANGUAGES, base_language, template_functions, translate
from . import assets
from .filters import FILTERS

AnyRequest = Request[Any, Any, Any]
POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; object-src 'none'; img-src 'self' data:; "
    "style-src 'self' {styles}; frame-ancestors {frame_ancestors}"
)
LETTER_STYLES: Final = "style-src-attr 'unsafe-inline'"
REVALIDATE: Final = "private, no-cache"
NO_STORE: Final = "no-store"
"""For pages with personal data, which no cache may keep."""
UNCOMPRESSED: Final = frozenset({NO_STORE, RESTORABLE})
"""If these were compressed, their size would reveal what appears next to a secret."""
NO_FRAMES: Final = "'none'"
ANY_SITE: Final = "*"
LANGUAGE_COOKIE_SECONDS: Final = 31_536_000


class LegalLinks(NamedTuple):
    """The platform's own legal pages; empty if there are none."""

    privacy_url: str
    imprint_url: str
    terms_url: str


NO_LEGAL_LINKS: Final = LegalLinks("", "", "")

templates: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
)
"""Templates are named after their path in `site/templates`, such as `base.html` or `patient/times.html`."""
templates.filters.update(FILTERS)


def render(
    request: AnyRequest,
    template: str,
    *,
    language: str | None = None,
    clinic_zone: str | None = None,
    status_code: int = 200,
    cache_control: str = REVALIDATE,
    styles: str = "patient.css",
    frame_ancestors: str = NO_FRAMES,
    accent: str = "",
    **values: Any,
) -> Response[Any]:
    """Render a template in the visitor's language, or in `language` if it exists in only one language.

    Pages that may be stored are compressed, and the response is a 304 if the browser already has them.
    `frame_ancestors` are the sites that may show the page in a frame. `accent` is a style sheet of our own with a
    clinic's colour.
    """
    if not is_anonymous(request.scope) and not cache_control.startswith("public"):
        cache_control = NO_STORE
    if request.method == "POST" and cache_control == NO_STORE and template.startswith("patient/"):
        cache_control = RESTORABLE
    tag = language or language_tag_for(request, clinic_zone)
    page_language = base_language(tag)
    sheet, digest = assets.style(styles)
    sources = f"{digest} {assets.source(accent.encode())}" if accent else digest
    html = templates.get_template(template).render(
        language=tag,
        page_language=page_language,
        html_language=regions.script_tag(tag),
        direction=Locale.parse(page_language).text_direction,
        sheet=sheet,
        accent=Markup(accent),  # noqa: S704  made from six digits, so that it never contains “</style>”
        platform=_legal_links(request),
        script=assets.url,
        font=assets.url("inter-latin.woff2"),
        languages=[] if language else _language_links(request),
        path=request.scope["path"],
        csrf=csrf(request),
        **template_functions(page_language),
        **values,
    )
    headers = {
        "Content-Language": page_language,
        "Vary": "Accept-Language, Accept-Encoding, Cookie",
        "Cache-Control": cache_control,
        "Content-Security-Policy": POLICY.format(styles=sources, frame_ancestors=frame_ancestors),
    }
    if (declared := route_in(request.scope)) and declared.permission == "sign-in":
        headers["Referrer-Policy"] = "same-origin"  # otherwise, older browsers would send forms with `Origin: null`
    if frame_ancestors == ANY_SITE:
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if cache_control in UNCOMPRESSED:
        headers["X-Robots-Tag"] = "noindex"
    response = _respond(request, html, headers, status_code)
    if query_params(request).get("lang") == page_language and frame_ancestors != ANY_SITE:  # no cookies in frames
        response.set_cookie(
            Cookie(LANGUAGE_COOKIE, value=page_language, path="/", max_age=LANGUAGE_COOKIE_SECONDS, samesite="lax")
        )
    return response


def local_pictures(request: AnyRequest, html: str | None) -> str | None:
    """Return an email whose pictures come from the server that shows it, as the policy for its pages requires."""
    return html and html.replace(f'src="{services_of(request).settings.links_url}/', 'src="/')


def allow_letters(page: Response[Any]) -> Response[Any]:
    """Allow styles in attributes on a page that shows an email. The email is in a sandboxed frame that inherits the
    page's policy, and emails have all their styles in attributes."""
    page.set_header("Content-Security-Policy", f"{page.headers['Content-Security-Policy']}; {LETTER_STYLES}")
    return page


def allow_form_target(page: Response[Any], origin: str | None) -> Response[Any]:
    """Allow a page's forms to lead to another site, such as a video provider's. Browsers apply the policy to redirects
    too."""
    if origin:
        policy = page.headers["Content-Security-Policy"]
        page.set_header("Content-Security-Policy", policy.replace("form-action 'self'", f"form-action 'self' {origin}"))
    return page


def _respond(request: AnyRequest, html: str, headers: dict[str, str], status_code: int) -> Response[Any]:
    if headers["Cache-Control"] in UNCOMPRESSED:
        return Response(html, media_type=MediaType.HTML, headers=headers, status_code=status_code)
    body = html.encode()
    headers["ETag"] = tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if status_code == 200 and matches(request.headers.get("if-none-match"), tag, weakly=True):
        return Response(None, status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=6, mtime=0)
    return Response(body, media_type=MediaType.HTML, headers=headers, status_code=status_code)


def _legal_links(request: AnyRequest) -> LegalLinks:
    services = find_services(request)
    if services is None:
        return NO_LEGAL_LINKS
    settings = services.settings
    return LegalLinks(settings.privacy_url, settings.imprint_url, settings.terms_url)


def _language_links(request: AnyRequest) -> list[tuple[str, str, str]]:
    """Return each language's code, its own name for itself, and the URL of the same page in that language."""
    return [(code, str(Locale.parse(code).get_display_name(code)), url_with(request, lang=code)) for code in LANGUAGES]


def csrf(request: AnyRequest) -> str:
    """Return the token that a signed-in visitor's forms send as `csrf`, or an empty string if there is no session."""
    token = request.cookies.get(COOKIE)
    return csrf_token(services_of(request).secret_key, token) if token else ""


def url_with(request: AnyRequest, **changes: str | UUID | None) -> str:
    """Return the same page's URL with some query parameters changed, or removed if they are None."""
    query = {name: value for name, value in {**query_params(request), **changes}.items() if value is not None}
    return "?" + urlencode(query)


def redirect(address: str) -> Redirect:
    """Redirect to another page after a form has been sent."""
    return Redirect(address, status_code=303, headers={"Cache-Control": NO_STORE, "X-Robots-Tag": "noindex"})


def faults_by_field(invalid: errors.Invalid, language: str) -> Mapping[str, str]:
    """Return each form field's first fault, keyed by the last part of the fault's pointer."""
    return {
        fault.pointer.rpartition("/")[2]: translate(language, fault.text, **fault.values)
        for fault in reversed(invalid.faults)
    }
