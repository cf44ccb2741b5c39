"""Encrypt stored plaintext, and re-encrypt values after a change of keys."""
