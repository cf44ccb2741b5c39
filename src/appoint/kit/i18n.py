"""What people read, in their language. The English text is the key in the gettext catalogues of `locale/`, which `make
texts` keeps in step with the sources."""

import re
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
PLAIN: Final = str.maketrans(
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
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Characters that nobody sees, or that turn the text after them around; but for tabs, ends of lines, and joiners, which
some scripts need."""


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the translations of a language; for English, in which the sources are written, there are none."""
    if language == "en":
        return NullTranslations()
    with (files("appoint") / "locale" / f"{language}.po").open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def translatable(text: str) -> str:
    """Return the text as it is. Marks a text that is translated later for extraction into the catalogues."""
    return text


def translate(language: str, text: str, /, **values: Any) -> str:
    """Return the text in the language, its `{placeholders}` filled in."""
    return _filled(catalogue(language).gettext(text), values)


def pgettext(language: str, context: str, text: str, /, **values: Any) -> str:
    """Return a text whose translation depends on where it stands, such as “Cancel” in a dialog."""
    return _filled(catalogue(language).pgettext(context, text), values)


def ngettext(language: str, singular: str, plural: str, count: int, /, **values: Any) -> str:
    """Return the form that the language uses for the number, which fills in `{count}`."""
    return _filled(catalogue(language).ngettext(singular, plural, count), {"count": count, **values})


def template_functions(language: str) -> dict[str, Callable[..., str]]:
    """Return what templates translate by: `_`, `pgettext` and `ngettext`."""
    return {
        "_": partial(translate, language),
        "pgettext": partial(pgettext, language),
        "ngettext": partial(ngettext, language),
    }


def _filled(text: str, values: dict[str, Any]) -> str:
    """Fill the placeholders in. With markup among the values, such as a link, the result is markup too."""
    if any(isinstance(value, Markup) for value in values.values()):
        return escape(text).format_map(values)
    return text.format_map(values) if values else text


def one_line(text: str | None) -> str:
    """What somebody typed, in one line: so that a name writes no paragraphs, or headers of a mail, into what others
    read."""
    return CONTROL.sub("", " ".join((text or "").split()))


def for_telephones(text: str) -> str:
    """The text with what telephones' own alphabet (GSM 03.38) has: one other character, and a text message holds less
    than half as much."""
    return text.translate(PLAIN)
