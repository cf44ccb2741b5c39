"""Doctors as “providers”, which is what other systems call them."""
