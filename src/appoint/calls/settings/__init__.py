"""Where a clinic's calls take place."""
