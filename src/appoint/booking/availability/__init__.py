"""Times that can actually be booked."""
