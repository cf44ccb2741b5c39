"""Copies of the audit log's signed heads, kept where the database's owner cannot change them."""
