"""Guardians: people who book for their children, or for others they care for."""
