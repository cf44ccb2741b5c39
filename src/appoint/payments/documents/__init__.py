"""Invoices, credit notes and receipts as people read them: on a page and as a PDF for the archive."""
