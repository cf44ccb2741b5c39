"""The audit log in readable form: what its entries are about, by name."""
