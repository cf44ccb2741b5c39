"""Video visits: calls, their rooms at a provider, and the people who join them."""
