"""Staff sign-in with an OpenID provider: its tokens, and the roles they grant."""
