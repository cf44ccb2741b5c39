"""A clinic's time slots and its doctors' weekly hours. Changing them does not publish anything."""
