"""Encrypt secrets in the database. A copy of the database does not reveal them without the secret key."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def encrypt(secret: str, purpose: str, value: str) -> bytes:
    """Encrypt a value for a purpose. Decrypting it requires the same purpose."""
    return _cipher(secret, purpose).encrypt(value.encode())


def decrypt(secret: str, purpose: str, ciphertext: bytes) -> str | None:
    """Decrypt a value. Return None if it was encrypted for a different purpose or with a different secret key."""
    try:
        return _cipher(secret, purpose).decrypt(ciphertext).decode()
    except InvalidToken:
        return None


def _cipher(secret: str, purpose: str) -> Fernet:
    return Fernet(urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(secret.encode())))
