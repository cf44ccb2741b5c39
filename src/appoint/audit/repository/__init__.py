"""The SQL of the audit: its entries, and the chain that seals them."""
