"""Copies of customers in the cells where they book, and their changes."""
