"""How it goes: what a clinic booked, cancelled and missed, from sums that events keep."""
