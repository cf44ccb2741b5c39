"""Coupons: who can use them for what, and how often."""
