"""SQL for webhooks: the webhooks themselves, their deliveries, and the leases that workers use to share them."""
