"""Events for partner systems, over HTTP."""
