"""What a clinic is owed, what it has taken, and what it owes patients."""
