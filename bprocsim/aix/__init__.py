"""AIX: processors with hardware threads, resource sets, and what attaches a process to them."""
