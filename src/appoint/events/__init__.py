"""Events: what happened, told to everyone who has to know, at least once and in order per subject."""
