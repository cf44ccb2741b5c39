"""Appointment types: a clinic's bookable services, with their length and price."""
