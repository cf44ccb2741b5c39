"""Passwords: which are good enough, and how they are kept (argon2id). Hashing takes time and memory on purpose, so it
waits its turn in a few threads."""

import asyncio
import re
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from pwdlib import PasswordHash

from ..kit.errors import Fault

SHORTEST: Final = 12
LONGEST: Final = 128
GUESSES_MISS: Final = 6
"""So many characters must be left of a password without what everybody tries first."""
TRIED_FIRST: Final = (
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
    "appoint",
)
REPEATED: Final = re.compile(r"(.{1,4}?)\1{2,}")
NUMBERS: Final = re.compile(r"0?1234?5?6?7?8?9?0?|9876?5?4?3?2?1?0?|(19|20)\d\d")

_hash: Final = PasswordHash.recommended()
_threads: Final = ThreadPoolExecutor(2, thread_name_prefix="passwords")
"""Each hash takes 64 MiB for its time; more at once would let sign-ins take all memory."""


def normal(password: str) -> str:
    """The password however a keyboard composes its letters (NFC)."""
    return unicodedata.normalize("NFC", password)


def faults(password: str, pointer: str, *, about: tuple[str, ...]) -> list[Fault]:
    """What is wrong with a new password. `about` is what others know of its owner, such as name and e-mail address: no
    part of it counts for anything."""
    password = normal(password)
    if not SHORTEST <= len(password) <= LONGEST:
        return [Fault(pointer, "must be {least} to {most} characters long", least=SHORTEST, most=LONGEST)]
    left = password.casefold()
    own = [word for known in about for word in re.split(r"[\W_]+", known.casefold()) if len(word) >= 3]
    for word in sorted((*TRIED_FIRST, *own), key=len, reverse=True):
        left = left.replace(word, "")
    left = NUMBERS.sub("", REPEATED.sub("", left))
    return (
        []
        if len(left) >= GUESSES_MISS and len(set(left)) > GUESSES_MISS // 2
        else [Fault(pointer, "is too easy to guess")]
    )


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_threads, _hash.hash, normal(password))


async def verified(password: str, kept: str | None) -> tuple[bool, str | None]:
    """Whether it is the password that is kept, and how to keep it from now on if that has changed. Without one that is
    kept it takes as long to say no."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _verified, normal(password), kept)


def _verified(password: str, kept: str | None) -> tuple[bool, str | None]:
    nobodys = _nobodys()
    right, anew = _hash.verify_and_update(password, kept or nobodys)
    return (right, anew) if kept else (False, None)


@cache
def _nobodys() -> str:
    return _hash.hash(secrets.token_urlsafe())
