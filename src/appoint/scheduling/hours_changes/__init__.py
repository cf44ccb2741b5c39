"""Schedule changes: making published hours match changed weekly schedules."""
