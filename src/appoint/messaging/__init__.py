"""Messages to people: channels, templates and notifications."""
