"""Bill appointments according to the clinic's policies: invoices for visits, cancellations, and fees."""
