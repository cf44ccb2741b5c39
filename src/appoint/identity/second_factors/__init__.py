"""Second factors: what users sign in with besides their password, and the recovery codes for when they lose it."""
