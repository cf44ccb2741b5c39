"""SQL for the tables with personal data. Reads and erases across clinics, because a customer belongs to the platform."""
