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
YEAR_FIRST: Final = re.compile(r"([0-9]{4}) ?([./-]) ?([0-9]{1,2}) ?\2 ?([0-9]{1,2})\.?")
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


def iso_date(text: str, *, day_first: bool | None = None) -> str:
    """Return a date in the ISO format if people have typed it as 31/12/2019, 12/31/2019, 1.5.2019 or 2019/5/1.

    `day_first` decides dates such as 03/04/2019, which are in March or in April depending on who types them. Leave
    these dates unchanged if it is None, and anything that is not a date.
    """
    typed = tidy(text)
    if match := YEAR_FIRST.fullmatch(typed):
        return f"{match[1]}-{int(match[3]):02}-{int(match[4]):02}"
    match = YEAR_LAST.fullmatch(typed)
    if match is None:
        return text
    first, separator, second, year = int(match[1]), match[2], int(match[3]), match[4]
    if separator == "." or first > MONTHS or first == second:
        day_first = True
    elif second > MONTHS:
        day_first = False
    if day_first is None:
        return text
    return f"{year}-{second:02}-{first:02}" if day_first else f"{year}-{first:02}-{second:02}"
