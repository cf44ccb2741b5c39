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
YEAR_LAST: Final = re.compile(r"([0-9]{1,2}) ?([./-]) ?([0-9]{1,2}) ?\2 ?([0-9]{4})")
MONTHS: Final = 12


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


def iso_date(text: str) -> str:
    """Return a date in the ISO format if people have typed it as 31/12/2019, 12/31/2019 or 1.5.2019.

    Leave anything else unchanged, including dates such as 03/04/2019, which are in March or in April depending on who
    types them.
    """
    match = YEAR_LAST.fullmatch(tidy(text))
    if match is None:
        return text
    first, separator, second, year = int(match[1]), match[2], int(match[3]), match[4]
    if separator == "." or first > MONTHS or first == second:
        return f"{year}-{second:02}-{first:02}"
    return f"{year}-{first:02}-{second:02}" if second > MONTHS else text
