"""Staff who sign in at an OpenID provider: its tokens, and the roles that they grant."""
