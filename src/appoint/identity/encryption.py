"""Secrets at rest: what the database keeps of them is of no use without the secret key."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def encrypted(secret: str, purpose: str, value: str) -> bytes:
    """The value as it is kept. What was made for one purpose cannot be read for another."""
    return _cipher(secret, purpose).encrypt(value.encode())


def decrypted(secret: str, purpose: str, kept: bytes) -> str | None:
    """None for what was made for another purpose, or with another secret key."""
    try:
        return _cipher(secret, purpose).decrypt(kept).decode()
    except InvalidToken:
        return None


def _cipher(secret: str, purpose: str) -> Fernet:
    return Fernet(urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret.encode())))
