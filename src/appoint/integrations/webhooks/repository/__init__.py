"""SQL of webhooks: the webhooks themselves, their deliveries, and the leases by which workers share them."""
