"""Appointment types: the bookable services of a clinic, with length and price."""
