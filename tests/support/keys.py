"""Encryption keys for tests."""

from appoint.kit.key_ring import KeyRing

KEY = "tests:kLyAbzb8lKCz2uMJxVhXszuqNoAqLoYs85sy9Arpq2Q"
OLDER_KEY = "older:5OrfkPv2JPUfsLZyo-QN7EFzCNRZ9tauXWPPusv5eBE"
NEWER_KEY = "newer:o1RWYaZXOAiRXwpDgKw4obTvzAxUzr-g7Zt9T13OCfY"
KEYS = KeyRing.parse(KEY)
CIPHERTEXT = f"enc1:tests:{'a' * 38}"
"""Has the form of a ciphertext, but cannot be decrypted."""
