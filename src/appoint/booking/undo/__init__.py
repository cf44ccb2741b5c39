"""Take back the clinic's last step for an appointment."""
