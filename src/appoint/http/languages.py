"""The language of a response, and the region whose formats it follows."""

import re
from datetime import date
from functools import lru_cache
from typing import Any, Final

from babel import Locale
from babel.core import negotiate_locale
from litestar import Request

from ..kit import regions
from ..kit.i18n import LANGUAGES
from ..kit.typed_text import iso_date
from .forms import parse_date, query_params

LANGUAGE_COOKIE: Final = "language"
"""Stores the language chosen on a page."""
REGION: Final = re.compile(r"[a-z]{2,3}(?:-[a-z]{4})?-([a-z]{2}|419)(?:-.*)?")
"""A language tag with a region, in lower case."""


def language_for(request: Request[Any, Any, Any]) -> str:
    """Return the language for pages and problems: the one the user chose (`?lang=`, stored in a cookie), or else the
    best match for `Accept-Language`.
    """
    for language in (query_params(request).get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if language in LANGUAGES:
            return language
    return language_of(request.headers.get("accept-language"))


def language_tag_for(request: Request[Any, Any, Any], time_zone: str | None = None) -> str:
    """Return the language with the region whose formats a page follows, such as `en-GB`: the visitor's region or, if
    their browser does not name one, the country of the clinic's time zone."""
    return regions.language_tag(
        language_for(request), region_of_reader(request.headers.get("accept-language")), time_zone
    )


def typed_date(request: Request[Any, Any, Any], text: str | None, time_zone: str | None = None) -> date | None:
    """Return a date that the visitor has typed as people do in their region or, if their browser does not name one, in
    the country of the clinic's time zone. Return None for anything else.
    """
    return parse_date(typed_iso_date(request, text, time_zone))


def typed_iso_date(request: Request[Any, Any, Any], text: str | None, time_zone: str | None = None) -> str:
    """Return a typed date in the ISO format. Leave anything else unchanged, for the form to refuse."""
    return iso_date(text or "", day_first=regions.is_day_first(language_tag_for(request, time_zone)))


def language_names(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the names of all languages, in the page's language."""
    reader = language_for(request)
    return {language: str(Locale.parse(language).get_display_name(reader)) for language in LANGUAGES}


def language_of(accept_language: str | None) -> str:
    """Return the best match for an `Accept-Language` header, or English if there is none."""
    return _best((accept_language or "")[:500])


def region_of_reader(accept_language: str | None) -> str | None:
    """Return the region in an `Accept-Language` header.

    Only the visitor's first language shows where they live: a German browser often adds `en-US`.
    """
    return _region((accept_language or "")[:500])


@lru_cache(1000)
def _best(accept_language: str) -> str:
    return negotiate_locale(_by_preference(accept_language), LANGUAGES, sep="-") or "en"


@lru_cache(1000)
def _region(accept_language: str) -> str | None:
    preferred = _by_preference(accept_language)
    for tag in preferred:
        same_language = tag.partition("-")[0] == preferred[0].partition("-")[0]
        match = REGION.fullmatch(tag) if same_language else None
        if match and regions.is_region(match[1].upper()):
            return match[1].upper()
    return None


def _by_preference(accept_language: str) -> list[str]:
    """Return the header's tags in lower case, without those that the visitor rejects."""
    weighted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.lower().partition(";")
        try:
            weighted.append((float(weight.strip().removeprefix("q=")) if weight else 1.0, tag.strip()))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighted, key=lambda pair: -pair[0]) if weight > 0]
