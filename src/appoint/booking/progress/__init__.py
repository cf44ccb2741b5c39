"""Record the progress of appointments during the day."""
