"""Customers of the platform, and patients: a clinic's records of customers."""
