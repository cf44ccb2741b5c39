"""Find clinics and their next free times."""
