"""Reports: bookings, cancellations and no-shows per day, aggregated from events."""
