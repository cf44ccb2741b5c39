"""Rules that hold for all stored data, and the SQL that finds violations."""
