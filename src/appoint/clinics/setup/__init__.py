"""Set up a new clinic: the remaining steps, and typical appointment types to start with."""
