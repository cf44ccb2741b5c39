"""Find people who are not the clinic's patients. Searches are limited, and the people found get a message."""
