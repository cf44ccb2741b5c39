"""The networks from which a clinic's staff have access."""
