"""Coupons, and the limits on their use."""
