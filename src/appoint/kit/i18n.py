"""Translations. The English text is the key in the gettext catalogues in `locale/`, which `make texts` updates from the
sources."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache, partial
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any, Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from markupsafe import Markup, escape

LANGUAGES: Final = ("en", "de", "es", "fr")
GSM_SUBSTITUTES: Final = str.maketrans(
    {
        "–": "-",
        "—": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "…": "...",
        "\u00a0": " ",
    }
)
GSM_LETTERS: Final = frozenset("ÄÖÑÜäöñüàèéùìòÇØøÅåÆæßÉΔΦΓΛΩΠΨΣΘΞ")
"""The letters outside ASCII in the GSM 03.38 alphabet."""
GSM_LIGATURES: Final = str.maketrans(
    {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ı": "i", "œ": "oe", "Œ": "OE", "ẞ": "ß", "þ": "th"}
)
"""Letters that do not consist of a base letter and a mark."""
INVISIBLE_CHARACTERS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Control characters that are invisible or reverse the direction of text. Tabs, line ends and the joiners that some
scripts need are allowed."""


def base_language(tag: str) -> str:
    """Return the language of a tag such as `en-GB`, without its region."""
    return tag.partition("-")[0]


def catalogue(language: str) -> NullTranslations:
    """Return a language's translations, whatever its region. There are none for English, the source language."""
    return _catalogue(base_language(language))


@cache
def _catalogue(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    with (files("appoint") / "locale" / f"{language}.po").open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def translatable(text: str) -> str:
    """Return the text unchanged. This marks it for extraction into the catalogues, to be translated later."""
    return text


def translate(language: str, text: str, /, **values: Any) -> str:
    """Return the text in the language, with its `{placeholders}` filled in."""
    return _fill(catalogue(language).gettext(text), values)


def pgettext(language: str, context: str, text: str, /, **values: Any) -> str:
    """Translate a string whose translation depends on its context, such as “Cancel” in a dialog."""
    return _fill(catalogue(language).pgettext(context, text), values)


def ngettext(language: str, singular: str, plural: str, count: int, /, **values: Any) -> str:
    """Return the plural form that the language uses for `count`, with `{count}` filled in as well."""
    return _fill(catalogue(language).ngettext(singular, plural, count), {"count": count, **values})


def template_functions(language: str) -> dict[str, Callable[..., str]]:
    """Return the translation functions for templates: `_`, `pgettext` and `ngettext`."""
    return {
        "_": partial(translate, language),
        "pgettext": partial(pgettext, language),
        "ngettext": partial(ngettext, language),
    }


def _fill(text: str, values: dict[str, Any]) -> str:
    """Fill in the placeholders. If a value is markup, such as a link, the result is markup too."""
    if any(isinstance(value, Markup) for value in values.values()):
        return escape(text).format_map(values)
    return text.format_map(values) if values else text


def one_line(text: str | None) -> str:
    """Return user input as a single line, so that it cannot inject paragraphs or mail headers."""
    return INVISIBLE_CHARACTERS.sub("", " ".join((text or "").split()))


def lines(text: str | None) -> str:
    """Return user input with each line trimmed, and without empty lines."""
    return "\n".join(filter(None, map(one_line, (text or "").splitlines())))


def to_gsm_characters(text: str) -> str:
    """Replace common characters that the GSM 03.38 alphabet lacks.

    A single character outside it more than halves a text message's capacity.
    """
    return "".join(map(_gsm_letter, unicodedata.normalize("NFC", text).translate(GSM_SUBSTITUTES | GSM_LIGATURES)))


def _gsm_letter(letter: str) -> str:
    """Return a Latin letter without its marks if the alphabet lacks it, and any other character unchanged."""
    if letter.isascii() or letter in GSM_LETTERS:
        return letter
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base.isascii() and base.isalpha() else letter
