"""Calls: one for each video visit, from the room that a job makes to its end."""
