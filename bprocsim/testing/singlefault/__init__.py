"""Every single fault of a scenario, one at a time, and what each of them does to it."""
