"""The web pages. They call services, never SQL or other pages."""
