"""Changes to a patient's own email address or phone number, confirmed with a code sent to the new one."""
