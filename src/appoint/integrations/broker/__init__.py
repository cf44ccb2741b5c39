"""Publish events to a message broker, if one is configured."""
