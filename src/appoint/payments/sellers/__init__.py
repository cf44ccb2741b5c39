"""Sellers: what a clinic's invoices and receipts say about it."""
