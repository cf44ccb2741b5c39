"""Small tools that import nothing else from Appoint."""
