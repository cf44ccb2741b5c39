"""Guests whom patients bring to video visits."""
