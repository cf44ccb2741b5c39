"""Appoint: appointment booking for clinics, on PostgreSQL."""
