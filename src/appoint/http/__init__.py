"""What HTTP needs once: bodies and queries, problem documents, versions, cursors, repeated requests, who may call."""
