"""Codes by which patients sign in: sent to the address on their record."""
