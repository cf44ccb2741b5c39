"""Distribute the tables over the nodes of a Citus cluster."""
