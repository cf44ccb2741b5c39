"""The development gateway: a payment provider for development and tests, with Stripe's API and a hosted page."""
