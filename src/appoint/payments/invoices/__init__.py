"""Draft, issue and correct invoices."""
