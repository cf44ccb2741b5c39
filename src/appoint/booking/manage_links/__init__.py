"""Staff operations on manage links."""
