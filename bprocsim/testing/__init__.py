"""The testing kit: the tables of errors, and for each row a world in which it is due."""

from __future__ import annotations

from bprocsim.testing.recipes import Recipe, recipes, recipes_of
from bprocsim.testing.tables import tables

__all__ = ["Recipe", "recipes", "recipes_of", "tables"]
