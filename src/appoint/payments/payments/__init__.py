"""Record payments, and allocate and refund them."""
