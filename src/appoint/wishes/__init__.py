"""What somebody wishes to book, why it cannot be, and what could be instead."""
