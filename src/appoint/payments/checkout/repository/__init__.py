"""SQL for payments by card, their refunds and disputes, and differences from the payment provider."""
