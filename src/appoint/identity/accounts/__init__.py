"""Staff accounts: memberships of clinics, passwords and authenticators."""
