"""Who signs in, and with what: accounts, sessions, sign-in codes, API keys and OpenID Connect."""
