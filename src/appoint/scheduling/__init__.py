"""When doctors work: weekly hours, published slots, changes of hours, and absences."""
