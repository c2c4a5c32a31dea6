"""How a failed call looks to a program: -1 and errno as in C, or a raised error as in Python."""
