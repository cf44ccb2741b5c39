"""Staff pages about money: invoices, the till, refunds and credit, coupons and payment rules."""
