"""Delete unsuccessful payments, and remove personal data from documents that the law no longer requires."""
