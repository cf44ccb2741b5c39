"""The language that a request asks for."""

from functools import lru_cache

from babel.core import negotiate_locale

from ..words import LANGUAGES


def language_of(accept_language: str | None) -> str:
    """The best of our languages for an `Accept-Language` header; English when there is none."""
    return _best((accept_language or "")[:500])


@lru_cache(1000)
def _best(accept_language: str) -> str:
    wanted: list[tuple[float, str]] = []
    for part in accept_language.split(","):
        tag, _, weight = part.lower().partition(";")
        try:
            wanted.append((float(weight.strip().removeprefix("q=")) if weight else 1.0, tag.strip()))
        except ValueError:
            continue
    preferred = [tag for weight, tag in sorted(wanted, key=lambda pair: -pair[0]) if weight > 0]
    return negotiate_locale(preferred, LANGUAGES, sep="-") or "en"
