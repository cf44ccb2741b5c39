"""The staff's pages for money: invoices, the till, refunds and credit, coupons and payment rules."""
