"""Joining a call: the waiting room, and letting people in."""
