"""Receipts for payments."""
