"""Codes that turn a stranger's booking from a hold into appointments, sent to the address that the confirmation goes
to."""
