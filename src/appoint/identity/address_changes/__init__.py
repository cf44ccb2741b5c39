"""Changes to a patient's own email address or phone number, which a code sent to the new one confirms."""
