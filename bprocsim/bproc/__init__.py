"""BProc: one process space over a master and its slaves."""
