"""Codes for patients to sign in with, sent to the address on their record."""
