"""Read authenticators' secrets from earlier releases, which encrypted them with a key derived from the server's secret.
The key ring now encrypts them instead (`kit/key_ring.py`)."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..kit.key_ring import EncryptedField, UnreadableError, is_ciphertext


def decrypt(secret: str, purpose: str, ciphertext: bytes) -> str | None:
    """Decrypt a value. Return None if it was encrypted for a different purpose or with a different secret."""
    try:
        return legacy_cipher(secret, purpose).decrypt(ciphertext).decode()
    except InvalidToken:
        return None


def decrypt_legacy_totp(secret: str) -> Callable[[EncryptedField, UUID, bytes], bytes | None]:
    """Return a function that decrypts an authenticator's secret if an earlier release encrypted it. It returns None for
    all other values."""

    def decrypt_stored(place: EncryptedField, user_id: UUID, value: bytes) -> bytes | None:
        if place != EncryptedField.TOTP_SECRET or is_ciphertext(value):
            return None
        totp_secret = decrypt(secret, f"totp {user_id}", value)
        if totp_secret is None:
            raise UnreadableError("not encrypted with APPOINT_SECRET_KEY")
        return totp_secret.encode()

    return decrypt_stored


def legacy_cipher(secret: str, purpose: str) -> Fernet:
    """Return the cipher that earlier releases used for a purpose."""
    return Fernet(urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret.encode())))
