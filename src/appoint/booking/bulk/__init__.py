"""Change several appointments in one step."""
