"""The processes: the web application, the worker, the server that runs them, and a mock."""
