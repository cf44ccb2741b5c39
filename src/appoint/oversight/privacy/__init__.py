"""What is held about a person: all of it in one piece, none of it any more, and no longer than a clinic keeps it."""
