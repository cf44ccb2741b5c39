"""Clinics, their doctors and appointment types, and the cached catalogue of all three."""
