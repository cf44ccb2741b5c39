"""Encrypt single values in the database with AES-256-GCM, under a ring of named keys.

The newest key encrypts; older keys can still decrypt. A ciphertext names its key. It is bound to its table, column and
row, so it cannot be decrypted anywhere else. It is text, and takes the plaintext's place in the same column. Plaintext
from earlier releases is returned as it is until `database/encryption/` has encrypted it.
"""

import os
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import cache
from typing import Final, overload

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .errors import StartupError
from .i18n import LANGUAGES, translatable, translate
from .metrics import UNREADABLE_VALUES

log = structlog.get_logger()

PREFIX: Final = "enc1:"
TOKEN: Final = re.compile(r"enc1:([a-z0-9][a-z0-9.-]{0,31}):([A-Za-z0-9_-]+)")
KEY: Final = re.compile(r"([a-z0-9][a-z0-9.-]{0,31}):([A-Za-z0-9_-]{43})=?")
KEY_BYTES: Final = 32
MIN_DISTINCT_BYTES: Final = 16
"""A random key has about 30 different bytes; one with fewer than this has been typed by hand."""
NONCE_BYTES: Final = 12
RELOAD_SECONDS: Final = 5.0
"""How often a ring looks for a missing key again."""
LOG_SECONDS: Final = 60.0
"""How often the same kind of failure is logged."""
UNREADABLE: Final = translatable("(This text cannot be read.)")
"""What people see instead of a value that has been tampered with or whose key is missing."""


class EncryptedField(StrEnum):
    """The columns with encrypted values. Where Appoint copies ciphertext between columns of the same row, they share a
    place: a webhook's two secrets do, and so do an appointment's reason for overriding rules and the copy of it from
    before a step."""

    ABSENCE_REASON = "absence.reason"
    CALL_CONNECTION = "call_settings.connection"
    CANCEL_REASON = "appointment.cancel_reason"
    APPOINTMENT_NOTES = "appointment.notes"
    OVERRIDE_REASON = "appointment.override_reason"
    EMERGENCY_REASON = "emergency_access.reason"
    PATIENT_NOTES = "patient.notes"
    RECORDING_KEY = "recording.key"
    STAFF_NOTES = "appointment.staff_notes"
    TOTP_SECRET = "app_user.totp_secret"  # noqa: S105  a column
    WEBHOOK_SECRET = "webhook.secret"  # noqa: S105  a column


class UnreadableError(Exception):
    """A ciphertext cannot be decrypted. The message says why, and names the key."""


class KeyRing:
    """Named keys, newest first. `reload` reads them again, because another process may have added some."""

    def __init__(self, keys: Mapping[str, bytes], reload: "Callable[[], KeyRing] | None" = None) -> None:
        self.keys = dict(keys)
        self._reload: Final = reload
        self._reloaded_at = float("-inf")
        self._ciphers: Final[dict[tuple[str, str], AESGCM]] = {}
        self._logged: Final[dict[tuple[str, str], float]] = {}

    @classmethod
    def parse(cls, text: str, reload: "Callable[[], KeyRing] | None" = None) -> "KeyRing":
        """Return the ring for keys in the form `NAME:KEY`, separated by commas, spaces or line breaks. Raise
        `ValueError` if the text is malformed. The message does not contain any key."""
        keys: dict[str, bytes] = {}
        for number, part in enumerate(re.split(r"[\s,]+", text.strip()), 1):
            match = KEY.fullmatch(part)
            key = urlsafe_b64decode(match[2] + "=") if match else b""
            if match is None or len(key) != KEY_BYTES:
                raise ValueError(f"entry {number} is not NAME:KEY with a key from `appoint encryption new-key`")
            if len(set(key)) < MIN_DISTINCT_BYTES:
                raise ValueError(f"key {match[1]} is too easy to guess; use `appoint encryption new-key`")
            if match[1] in keys:
                raise ValueError(f"key {match[1]} is listed twice")
            keys[match[1]] = key
        return cls(keys, reload)

    @property
    def names(self) -> list[str]:
        return list(self.keys)

    @property
    def current(self) -> str:
        """The name of the key that encrypts new values. Raise `UnreadableError` if the ring is empty."""
        if not self.keys:
            raise UnreadableError("there is no encryption key: set APPOINT_ENCRYPTION_KEYS")
        return next(iter(self.keys))

    @overload
    def encrypt(self, text: str, place: EncryptedField, row: object) -> str: ...
    @overload
    def encrypt(self, text: str | None, place: EncryptedField, row: object) -> str | None: ...
    def encrypt(self, text: str | None, place: EncryptedField, row: object) -> str | None:
        """Encrypt a value with the newest key, for one column in one row."""
        return None if text is None else self.encrypt_bytes(text.encode(), place, row).decode()

    def encrypt_bytes(self, value: bytes, place: EncryptedField, row: object) -> bytes:
        """Encrypt a binary value. The ciphertext is ASCII."""
        name, nonce = self.current, os.urandom(NONCE_BYTES)
        sealed = self._cipher(name, place).encrypt(nonce, value, _binding(place, row))
        return f"{PREFIX}{name}:".encode() + urlsafe_b64encode(nonce + sealed).rstrip(b"=")

    @overload
    def decrypt(self, value: str, place: EncryptedField, row: object) -> str: ...
    @overload
    def decrypt(self, value: str | None, place: EncryptedField, row: object) -> str | None: ...
    def decrypt(self, value: str | None, place: EncryptedField, row: object) -> str | None:
        """Decrypt a value for people. Return `UNREADABLE` instead, and log why, if that is not possible."""
        if value is None or PREFIX not in value:
            return value
        return "\n".join(self._decrypt_line(line, place, row) for line in value.split("\n"))

    def decrypt_bytes(self, value: bytes, place: EncryptedField, row: object) -> bytes:
        """Decrypt a binary value. Raise `UnreadableError`, and log why, if that is not possible."""
        if not is_ciphertext(value):
            return value
        try:
            return self._open(value.decode(), place, row)
        except UnreadableError as error:
            self._report(error, place, row)
            raise

    def reencrypt(self, value: str, place: EncryptedField, row: object) -> str:
        """Encrypt a stored value, plaintext or ciphertext, with the newest key. Raise `UnreadableError` if it cannot be
        decrypted."""
        lines = [
            self._open(line, place, row).decode() if line.startswith(PREFIX) else line for line in value.split("\n")
        ]
        return self.encrypt("\n".join(lines), place, row)

    def _decrypt_line(self, line: str, place: EncryptedField, row: object) -> str:
        """Decrypt a single line: SQL appends further reasons for an override on separate lines."""
        if not line.startswith(PREFIX):
            return line
        try:
            return self._open(line, place, row).decode()
        except UnreadableError as error:
            self._report(error, place, row)
            return UNREADABLE

    def _open(self, token: str, place: EncryptedField, row: object) -> bytes:
        match = TOKEN.fullmatch(token)
        if match is None:
            raise UnreadableError("malformed ciphertext")
        name, data = match[1], match[2]
        if not self._has(name):
            raise UnreadableError(f"encryption key {name} is missing from APPOINT_ENCRYPTION_KEYS")
        sealed = urlsafe_b64decode(data + "=" * (-len(data) % 4))
        try:
            return self._cipher(name, place).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _binding(place, row))
        except (InvalidTag, ValueError) as error:
            raise UnreadableError(f"changed, moved from another row, or not encrypted with key {name}") from error

    def _has(self, name: str) -> bool:
        """Return whether the ring has the key, after reloading it if necessary and possible."""
        now = time.monotonic()
        if name not in self.keys and self._reload and now - self._reloaded_at >= RELOAD_SECONDS:
            self._reloaded_at = now
            with suppress(StartupError):  # the file is malformed or unreadable
                reloaded = self._reload().keys
                self.keys = reloaded if name in reloaded else self.keys
        return name in self.keys

    def _cipher(self, name: str, place: EncryptedField) -> AESGCM:
        """Return the cipher for a column. Each has its own key, derived from the named one."""
        if (cipher := self._ciphers.get((name, place))) is None:
            derivation = HKDF(SHA256(), KEY_BYTES, salt=None, info=f"appoint {place}".encode())
            cipher = self._ciphers[name, place] = AESGCM(derivation.derive(self.keys[name]))
        return cipher

    def _report(self, error: UnreadableError, place: EncryptedField, row: object) -> None:
        UNREADABLE_VALUES.labels(place).inc()
        kind, now = (place, str(error)), time.monotonic()
        if now - self._logged.get(kind, float("-inf")) >= LOG_SECONDS:
            self._logged[kind] = now
            log.error("encrypted value cannot be read", column=place, row=str(row), reason=str(error))


NO_KEYS: Final = KeyRing({})
"""For connections that neither read nor write encrypted values."""


def new_key() -> str:
    """Return a random key as text."""
    return urlsafe_b64encode(os.urandom(KEY_BYTES)).decode().rstrip("=")


def is_ciphertext(value: bytes) -> bool:
    """Return whether a binary value is encrypted with a key from a ring."""
    return value.startswith(PREFIX.encode())


@cache
def _unreadable_texts() -> frozenset[str]:
    return frozenset(translate(language, UNREADABLE) for language in LANGUAGES)


def is_unreadable(text: str | None) -> bool:
    """Return whether the text is, in any language, the placeholder that people see instead of an unreadable value.
    Saving the placeholder must not overwrite the value."""
    return text in _unreadable_texts()


def readable(text: str | None, language: str) -> str | None:
    """Return a decrypted text for people who read the language."""
    return translate(language, UNREADABLE) if text == UNREADABLE else text


def _binding(place: EncryptedField, row: object) -> bytes:
    return f"{place} {row}".encode()
