"""Finding people who are not the clinic's patients: limited, and never unnoticed."""
