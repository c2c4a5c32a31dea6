"""Which documented errors a user's tests have seen, and one case for each to see it by."""
