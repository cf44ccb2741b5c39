"""The processes, composed: the web application, the worker, the server around them, and a mock."""
