"""SQL of notifications: contents, delivery, planning, preferences and lists."""
