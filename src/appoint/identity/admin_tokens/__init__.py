"""Named, expiring tokens for the platform's administrators."""
