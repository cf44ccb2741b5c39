"""The pages. They call services, never repositories' SQL or other pages."""
