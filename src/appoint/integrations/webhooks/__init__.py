"""Webhooks: send events to partner systems over HTTP."""
