"""The SQL of notifications, one module a task."""
