"""A clinic's doctors."""
