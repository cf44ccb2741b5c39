"""When doctors work: weekly hours, published slots, changes to hours, and absences."""
