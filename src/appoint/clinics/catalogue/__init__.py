"""What a clinic offers, as booking and availability need it: read often, changed rarely, kept in the cache."""
