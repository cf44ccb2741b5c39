"""How a clinic's staff must sign in."""
