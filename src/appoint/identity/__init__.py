"""Authentication: accounts, sessions, sign-in codes, API keys and OpenID Connect."""
