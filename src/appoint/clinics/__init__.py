"""Clinics, their doctors and appointment types, and the catalogue that is read from all three."""
