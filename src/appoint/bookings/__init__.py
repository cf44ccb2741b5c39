"""Bookings: one act of booking, of one or more appointments."""
