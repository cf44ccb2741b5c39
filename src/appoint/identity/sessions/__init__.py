"""Sessions: being signed in, for staff and for patients."""
