"""Integrations with other systems: webhooks, message brokers and doctor directories."""
