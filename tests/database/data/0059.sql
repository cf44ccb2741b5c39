update coupon_use set reserved_until = now();
