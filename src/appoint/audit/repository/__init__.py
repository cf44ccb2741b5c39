"""SQL for the audit: its entries, and the chain that seals them."""
