"""Rules that hold for all stored data, and SQL that finds everything that violates them."""
