"""Changes and erasures of customers who are at home in another cell."""
