"""The checks of bprocsim: `python3 tests` runs them all."""
