"""Recovery codes, and what an account has as a second factor."""

import hashlib
import secrets
from typing import Annotated, Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta

from ...kit import fields

NUMBER_OF_CODES: Final = 10
ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""Leaves out the characters that people confuse when they copy a code by hand."""
CODE_LENGTH: Final = 16
GROUP_LENGTH: Final = 4
RecoveryCode = Annotated[
    str, Meta(max_length=100, pattern="^[0-9A-Za-z -]+" + fields.END_OF_TEXT, examples=["k7rm-2xqd-9wnb-4tpf"])
]


class RecoveryCodes(msgspec.Struct, rename="camel"):
    """New recovery codes. Only this response contains them."""

    recovery_codes: Annotated[list[RecoveryCode], Meta(examples=[["k7rm-2xqd-9wnb-4tpf", "3hvc-8ygs-m5ja-zq6e"]])]


class SecondFactors(NamedTuple):
    """What an account has as a second factor."""

    totp: bool = False
    passkeys: int = 0
    recovery_codes: int = 0
    """How many have not been used."""

    @property
    def is_set_up(self) -> bool:
        """Whether signing in with a password also requires a second factor."""
        return self.totp or self.passkeys > 0


def new_codes() -> list[str]:
    """Return ten new recovery codes."""
    return [_new_code() for _ in range(NUMBER_OF_CODES)]


def _new_code() -> str:
    characters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(characters[start : start + GROUP_LENGTH] for start in range(0, CODE_LENGTH, GROUP_LENGTH))


def hash_code(user_id: UUID, code: str) -> bytes:
    """Return the digest to store. Spaces, hyphens and capitalisation don't matter. A code has nearly 80 random bits, so
    it needs no slow hash."""
    text = code.replace(" ", "").replace("-", "").lower()
    return hashlib.sha256(user_id.bytes + text.encode()).digest()
