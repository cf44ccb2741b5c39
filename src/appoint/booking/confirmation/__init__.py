"""Codes that turn a stranger's held appointments into booked ones. A code is sent to the same address that the
confirmation will go to."""
