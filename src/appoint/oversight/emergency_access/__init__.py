"""A doctor's access to a colleague's patient in an emergency, and its review by managers."""
