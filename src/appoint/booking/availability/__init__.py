"""Times that can really be booked."""
