"""One patient as staff see them: who they are, what the clinic notes of them, and what they have booked."""
