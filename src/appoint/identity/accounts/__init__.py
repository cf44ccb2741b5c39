"""Staff accounts: clinic memberships, passwords and authenticators."""
