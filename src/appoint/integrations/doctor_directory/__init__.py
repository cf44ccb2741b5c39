"""Doctors as “providers”, the term other systems use."""
