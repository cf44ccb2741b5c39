"""Set up a new installation: its first administrator and clinic."""
