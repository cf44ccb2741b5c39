"""A clinic's cached catalogue: data that booking and availability read often and that rarely changes."""
