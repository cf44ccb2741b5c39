"""Rate limits: how many requests a caller may send."""
