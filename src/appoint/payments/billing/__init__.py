"""Bill appointments as the clinic's policies say: invoices for visits, cancellations, and fees."""
