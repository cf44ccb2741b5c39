"""Let anyone who has an invoice's link see it and pay it by card."""
