"""SQL for webhooks: the webhooks themselves, their deliveries, and the leases through which workers share them."""
