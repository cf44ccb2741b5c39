"""Message templates in four languages, and clinics' own replacements for them."""
