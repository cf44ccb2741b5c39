"""The day as staff run it: one board of who comes when, live."""
