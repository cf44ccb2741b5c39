"""Sessions of staff and patients."""
