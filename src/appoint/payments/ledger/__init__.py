"""Accounts, and the transfers between them that every change in money writes."""
