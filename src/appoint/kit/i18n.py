"""What people read, in their language: the message itself is its key in the catalogues of `locale/`."""

import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

from babel.messages.pofile import read_po

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
def catalogue(language: str) -> dict[str, str]:
    """Message to translation; empty for English, in which messages are written."""
    if language == "en":
        return {}
    with (files("appoint") / "locale" / f"{language}.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale=language) if message.id}


def translate(language: str, text: str, /, **values: Any) -> str:
    """The text in the language, its `{names}` filled in."""
    said = catalogue(language).get(text) or text
    return said.format_map(values) if values else said


def one_line(text: str | None) -> str:
    """What somebody typed, in one line: so that a name writes no paragraphs, or headers of a mail, into what others
    read."""
    return CONTROL.sub("", " ".join((text or "").split()))


def for_telephones(text: str) -> str:
    """The text with what telephones' own alphabet (GSM 03.38) has: one other character, and a text message holds less
    than half as much."""
    return text.translate(PLAIN)
