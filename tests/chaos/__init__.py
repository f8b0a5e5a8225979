"""Random schedules of kills, stops, locks and second thoughts: nothing is lost, doubled or left behind."""
