"""Privacy and reports."""
