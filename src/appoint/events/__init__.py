"""Events: the transactional outbox and the relay, which delivers at least once and in order per subject."""
