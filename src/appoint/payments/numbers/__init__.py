"""Numbers for invoices, credit notes and receipts, without gaps in each clinic's series."""
