"""How clinics charge: deposits, fees, refunds, tax and numbering."""
