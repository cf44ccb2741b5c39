"""The `Idempotency-Key` header: a repeated request gets the first response and changes nothing."""
