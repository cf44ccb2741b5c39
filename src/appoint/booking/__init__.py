"""Appointments: booked, moved, run and cancelled."""
