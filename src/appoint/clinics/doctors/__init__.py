"""Doctors: who can be booked at a clinic."""
