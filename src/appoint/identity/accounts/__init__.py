"""Staff accounts: who works where, and how they prove who they are."""
