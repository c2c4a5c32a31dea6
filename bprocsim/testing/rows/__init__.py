"""For every row of every table a world in which it is due, and the nearest in which it is not."""
