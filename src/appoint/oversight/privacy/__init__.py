"""Privacy: exporting and erasing personal data, and retention periods."""
