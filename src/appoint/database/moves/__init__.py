"""Replicate a clinic's rows to another database, and let it take over. The tables are those in the catalogue, so
statements contain their names."""
