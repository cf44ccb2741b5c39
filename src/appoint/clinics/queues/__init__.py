"""The queue in front of booking pages, for when more people want to book than the servers can serve at once."""
