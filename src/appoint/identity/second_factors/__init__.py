"""Second factors: what users sign in with in addition to their password, and recovery codes for when they lose that."""
