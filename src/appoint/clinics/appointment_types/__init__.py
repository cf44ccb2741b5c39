"""Appointment types: what can be booked, and how long it takes."""
