"""Set up a new clinic: what is left to do before patients can book, and typical appointment types to start with."""
