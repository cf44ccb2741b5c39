"""Payments by card: the payment provider's hosted page, its events, and what they mean for our payments."""
