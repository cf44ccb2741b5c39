"""Customers, who belong to the platform, and patients: customers as one clinic knows them."""
