"""Plan, lease and send notifications. There is one row per recipient and message."""
