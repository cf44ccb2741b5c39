"""Clean up what people type and paste, by removing what keyboards and copied pages add invisibly."""

import re
import unicodedata
from typing import Final

FULL_WIDTH: Final = {
    **{0xFF01 + offset: 0x21 + offset for offset in range(94)},
    0x3000: " ",  # ideographic space
    0x3002: ".",  # ideographic full stops
    0xFF61: ".",
}
DASHES: Final = dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-")
AROUND: Final = " ,;"


def tidy(text: str) -> str:
    """Return the text without invisible characters, with full-width letters converted to ordinary ones, and without
    spaces, commas and semicolons around it.
    """
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return re.sub(r"\s", " ", visible.translate(FULL_WIDTH)).strip(AROUND)


def without_scheme(text: str, scheme: str) -> str:
    """Return the text without a scheme such as `mailto:`, and without the query that may follow the address."""
    if not text.lower().startswith(scheme):
        return text
    return text[len(scheme) :].partition("?")[0].strip(AROUND)
