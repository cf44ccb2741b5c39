"""Codes for patients to sign in, sent to the address on their record."""
