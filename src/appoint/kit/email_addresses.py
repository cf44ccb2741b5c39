"""Email addresses: one rule for forms, the API and sending, which tolerates what people type and paste."""

import re
import unicodedata
from typing import Final

import idna

from .i18n import translatable
from .typed_text import tidy, without_scheme

MAX_LENGTH: Final = 254
MAX_LOCAL_PART_LENGTH: Final = 64
ATOM: Final = r'[^\s()<>\[\]:;@\\,."]+'
LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
MAILBOX: Final = re.compile(rf"({ATOM}(?:\.{ATOM})*)@({LABEL}(?:\.{LABEL})*)")
OTHERS_IN_LOWER_CASE: Final = "\u0130\u212a"
"""İ and the Kelvin sign become ASCII letters when lower-cased, so an address that contains one would match another
person's."""
INVALID: Final = translatable("must be an email address, such as ana@example.org")


def clean(text: str) -> str:
    """Extract the address from what people type or paste, without `mailto:`, invisible characters, or any surrounding
    spaces and punctuation."""
    return unicodedata.normalize("NFC", without_scheme(tidy(text), "mailto:").rstrip("."))


def check(text: str) -> str | None:
    """Return why the text is not a person's email address, or None if it is one once cleaned."""
    if any(character in OTHERS_IN_LOWER_CASE or unicodedata.category(character) == "Cc" for character in text):
        return INVALID  # a line break or other control character is an attempt to inject a header
    normalized = normalize(clean(text))
    return None if normalized and "." in normalized.rpartition("@")[2] else INVALID


def normalize(address: str) -> str | None:
    """Return the address with its domain in ASCII, as mail servers expect, or None if the address is invalid.

    Quoted local parts and IP addresses (`@[192.0.2.1]`) count as invalid: in practice, only attackers use them. No
    top-level domain consists of digits (RFC 3696, section 2), so `@192.0.2.1` can never receive email either.
    """
    if len(address) > MAX_LENGTH or not address.isprintable():
        return None
    local, _, domain = address.rpartition("@")
    try:
        normalized = f"{local}@{domain if domain.isascii() else idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return None
    fits = len(normalized.encode()) <= MAX_LENGTH and len(local.encode()) <= MAX_LOCAL_PART_LENGTH
    is_possible = fits and MAILBOX.fullmatch(normalized) and not normalized.rpartition(".")[2].isdigit()
    return normalized if is_possible else None
