"""API keys: how partner systems say who they are."""
