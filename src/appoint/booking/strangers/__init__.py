"""What strangers booked, and cancelling it in bulk."""
