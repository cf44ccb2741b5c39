"""Several records of one person at a clinic: find them, join them, and separate them again."""
