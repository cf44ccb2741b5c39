"""Public holidays by country, as closures that a clinic can add with one click."""
