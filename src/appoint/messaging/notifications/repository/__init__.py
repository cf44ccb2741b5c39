"""SQL for notifications: contents, delivery, planning, preferences and lists."""
