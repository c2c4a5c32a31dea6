"""Worlds, calls and expectations in a TOML file: read, checked, built, run, and put into one word."""
