"""The audit log for people: what its entries are about, by name."""
