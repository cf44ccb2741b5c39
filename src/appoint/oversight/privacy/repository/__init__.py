"""SQL that reads personal data across clinics, because a customer belongs to the platform."""
