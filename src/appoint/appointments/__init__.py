"""Appointments, and bookings: one or more of them made together, all or nothing."""
