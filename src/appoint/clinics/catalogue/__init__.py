"""The cached catalogue of a clinic: the data that booking and availability read often and that rarely changes."""
