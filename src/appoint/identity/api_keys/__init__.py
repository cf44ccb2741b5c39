"""API keys, by which partner systems authenticate."""
