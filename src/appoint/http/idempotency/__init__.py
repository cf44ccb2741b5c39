"""The `Idempotency-Key` header: a repeated request gets the first response again and does not change anything."""
