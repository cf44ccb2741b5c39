"""Booking slots: ranges in which doctors can be booked. The worker generates them from weekly schedules; staff publish
and remove them manually."""
