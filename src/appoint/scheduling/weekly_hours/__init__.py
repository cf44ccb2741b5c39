"""Schedules: a clinic's time slots, and doctors' weekly hours. Changing them publishes nothing by itself."""
