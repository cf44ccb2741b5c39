"""Staff whom an outside OpenID provider vouches for: its tokens, and what roles they stand for here."""
