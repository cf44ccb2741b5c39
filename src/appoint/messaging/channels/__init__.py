"""How a message leaves the building: by mail, as text message, or into the mailbox of development."""
