"""Small tools that import nothing else of Appoint."""
