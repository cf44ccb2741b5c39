"""The language of a response, and the region whose formats it follows."""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Final, cast
from unicodedata import normalize

from babel import Locale
from babel.core import negotiate_locale
from litestar import Request, Response
from litestar.datastructures import Cookie

from ..kit import regions
from ..kit.i18n import LANGUAGES
from ..kit.typed_text import iso_date
from .forms import parse_date, query_params

LANGUAGE_COOKIE: Final = "language"
"""Stores the language chosen on a page."""
REGION_COOKIE: Final = "region"
"""Stores the region that someone has chosen in their account."""
COOKIE_SECONDS: Final = 31_536_000
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


def region_for(request: Request[Any, Any, Any]) -> str | None:
    """Return the region that the visitor has chosen or, if they haven't, the one that their browser names."""
    region = request.cookies.get(REGION_COOKIE, "")
    return region if regions.is_region(region) else region_of_reader(request.headers.get("accept-language"))


def use_account_choices(
    request: Request[Any, Any, Any], response: Response[Any], language: str | None, region: str | None
) -> None:
    """Make this browser's pages follow the region and language chosen in the account, after a sign-in. A language
    chosen on a page in this browser takes precedence. If the account has no region, leave the language alone, because
    it may only be the one that a booking was made in."""
    if region and LANGUAGE_COOKIE not in request.cookies:
        remember_choices(response, language, region)
    elif region or REGION_COOKIE in request.cookies:
        remember_choices(response, None, region)


def remember_choices(response: Response[Any], language: str | None, region: str | None) -> None:
    """Store the language and the region for pages in this browser."""
    if language:
        response.set_cookie(_cookie(LANGUAGE_COOKIE, language, COOKIE_SECONDS))
    response.set_cookie(_cookie(REGION_COOKIE, region or "", COOKIE_SECONDS if region else 0))


def _cookie(name: str, value: str, seconds: int) -> Cookie:
    return Cookie(name, value=value, path="/", max_age=seconds, samesite="lax")


def language_tag_for(request: Request[Any, Any, Any], time_zone: str | None = None) -> str:
    """Return the language with the region whose formats a page follows, such as `en-GB`: the visitor's region or, if
    neither they nor their browser name one, the country of the clinic's time zone."""
    return regions.language_tag(language_for(request), region_for(request), time_zone)


def typed_date(request: Request[Any, Any, Any], text: str | None, time_zone: str | None = None) -> date | None:
    """Return a date that the visitor has typed as people do in their region or, if their browser does not name one, in
    the country of the clinic's time zone. Return None for anything else.
    """
    return parse_date(typed_iso_date(request, text, time_zone))


def typed_iso_date(request: Request[Any, Any, Any], text: str | None, time_zone: str | None = None) -> str:
    """Return a typed date in ISO format. Leave anything else unchanged, for the form to refuse."""
    return iso_date(text or "", day_first=regions.is_day_first(language_tag_for(request, time_zone)))


def language_names(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Return the names of all languages, in the page's language."""
    reader = language_for(request)
    return {language: str(Locale.parse(language).get_display_name(reader)) for language in LANGUAGES}


def region_names(request: Request[Any, Any, Any]) -> list[tuple[str, str]]:
    """Return the codes and names of all countries, ordered by their names in the page's language."""
    return _region_names(language_for(request))


@lru_cache
def _region_names(language: str) -> list[tuple[str, str]]:
    names = cast("Mapping[str, str]", Locale.parse(language).territories)
    countries = {code: name for code, name in names.items() if regions.is_country(code)}
    return sorted(countries.items(), key=lambda item: normalize("NFKD", item[1].casefold()))


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
