"""Notifications: planning, leasing and sending of messages. One row per recipient and message."""
