"""The HTTP layer: routes, access, decoding, problem documents, ETags, cursors, idempotency and rate limits."""
