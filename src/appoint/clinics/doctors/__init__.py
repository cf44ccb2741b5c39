"""Doctors of a clinic."""
