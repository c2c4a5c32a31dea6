"""Worlds: the simulation with its clock, the clusters in it, and calls made from outside."""
