"""The web pages. They call services, but never run SQL or call each other."""
