"""The platform's customers, and patients: clinics' records of customers."""
