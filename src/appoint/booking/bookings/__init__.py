"""Bookings: appointments made together in one request."""
