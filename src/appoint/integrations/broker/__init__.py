"""Events for a message broker, where there is one."""
