"""Other systems: webhooks, message brokers, and directories of doctors."""
