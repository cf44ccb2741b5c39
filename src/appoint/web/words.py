"""What people read, in their language: the message itself is its key in the catalogues of `locale/`."""

from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from babel.core import negotiate_locale
from babel.messages.pofile import read_po

LANGUAGES: Final = ("en", "de", "es", "fr")


@cache
def catalogue(language: str) -> dict[str, str]:
    """Message to translation; empty for English, in which messages are written."""
    if language == "en":
        return {}
    with (files("appoint") / "locale" / f"{language}.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale=language) if message.id}


def say(language: str, text: str, /, **values: Any) -> str:
    """The text in the language, its `{names}` filled in."""
    said = catalogue(language).get(text) or text
    return said.format_map(values) if values else said


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
