"""SQL for weekly hours: a clinic's time slots, and the lines of doctors' weekly schedules.

Writers take locks first, in this order: the clinic (for time slots), the doctors by id, the time slot. This prevents
deadlocks and stops rows from changing between reading and writing.
"""
