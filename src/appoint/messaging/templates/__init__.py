"""The words of messages: templates in four languages, clinics' own instead, and invitations for calendars."""
