"""Sessions for staff and patients."""
