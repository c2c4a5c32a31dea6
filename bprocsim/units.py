"""Units of time and size, as integers: nanoseconds and bytes."""

ns = 1
us = 1_000
ms = 1_000_000
s = 1_000_000_000

KiB = 1 << 10
MiB = 1 << 20
GiB = 1 << 30
