"""Schedule changes: making what is published agree with weekly schedules that have changed."""
