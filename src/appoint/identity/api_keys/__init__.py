"""API keys that partner systems use to authenticate."""
