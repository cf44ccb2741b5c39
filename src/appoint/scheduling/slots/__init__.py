"""Booking slots: when doctors can be booked. They are generated from weekly schedules, or published and removed by
hand."""
