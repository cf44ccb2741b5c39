"""Find appointments that strangers booked, and cancel them in bulk."""
