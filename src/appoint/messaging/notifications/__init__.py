"""Who is told what, when, and what became of it: one row a message."""
