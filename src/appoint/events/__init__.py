"""Events: the transactional outbox, and the relay, which delivers each event at least once and in order per subject."""
