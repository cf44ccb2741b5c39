"""The language of a response."""

from functools import lru_cache
from typing import Any, Final

from babel import Locale
from babel.core import negotiate_locale
from litestar import Request

from ..kit.i18n import LANGUAGES
from .forms import query_params

LANGUAGE_COOKIE: Final = "language"
"""Stores the language chosen on a page."""


def language_for(request: Request[Any, Any, Any]) -> str:
    """Return the language for pages and problems: the one the user chose (`?lang=`, stored in a cookie), or else the
    best match for `Accept-Language`.
    """
    for language in (query_params(request).get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if language in LANGUAGES:
            return language
    return language_of(request.headers.get("accept-language"))


def language_names(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the names of all languages, in the page's language."""
    reader = language_for(request)
    return {language: str(Locale.parse(language).get_display_name(reader)) for language in LANGUAGES}


def language_of(accept_language: str | None) -> str:
    """Return the best match for an `Accept-Language` header, or English if there is none."""
    return _best((accept_language or "")[:500])


@lru_cache(1000)
def _best(accept_language: str) -> str:
    weighted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.lower().partition(";")
        try:
            weighted.append((float(weight.strip().removeprefix("q=")) if weight else 1.0, tag.strip()))
        except ValueError:
            continue
    preferred = [tag for weight, tag in sorted(weighted, key=lambda pair: -pair[0]) if weight > 0]
    return negotiate_locale(preferred, LANGUAGES, sep="-") or "en"
