"""Book, move, run and cancel appointments."""
