"""SQL that reads personal data across clinics, because customers belong to the platform."""
