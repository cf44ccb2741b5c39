"""Pages for a clinic's staff."""
