"""What the command of mutation testing makes of what mutmut tells; mutmut itself is not needed here."""

from __future__ import annotations

import pytest

from tests.mutation import __main__ as command
from tests.mutation import survivors, trying

NAME = "bprocsim.bproc.tree.x_first__mutmut_2"
DIFFERENCE = """# bprocsim.bproc.tree.x_first__mutmut_2: survived
--- bprocsim/bproc/tree.py
+++ bprocsim/bproc/tree.py
@@ -1,4 +1,4 @@
 def first(found):
-    return found[0]
+    return found[1]
"""
CHANGE = survivors.Change("bprocsim.bproc.tree.x_first", "return found[0]", "return found[1]")


def test_a_survivor_is_known_by_its_function_and_lines() -> None:
    assert survivors.change(trying.function(NAME), DIFFERENCE) == CHANGE


def test_what_is_told_of_a_survivor_can_stand_in_the_file() -> None:
    several = survivors.Change("f", 'raise "a" or (\nb\n)', "raise (\nb\n)")
    assert survivors.reasons(survivors.entry(CHANGE) + survivors.entry(several)) == {CHANGE: "", several: ""}


def test_each_survivor_of_the_file_has_its_reason() -> None:
    found = survivors.reasons(survivors.FILE.read_text(encoding="utf-8"))
    assert [change for change, reason in found.items() if not reason] == []


def test_the_score_is_told_room_by_room() -> None:
    tried = {
        NAME: "survived",
        "bprocsim.aix.rset.x_f__mutmut_1": "killed",
        "bprocsim.bproc.move.x_f__mutmut_1": "timeout",
    }
    assert list(command.score(tried, {NAME: "why"})) == [
        "aix          1 of     1 noticed (100.0%): 1 killed",
        "bproc        1 of     2 noticed (50.0%): 1 survived, 1 timeout; a reason is given for 1 of 1",
        "all          2 of     3 noticed (66.7%): 1 survived, 1 killed, 1 timeout; a reason is given for 1 of 1",
    ]


def test_names_may_be_patterns() -> None:
    names = ["bprocsim.aix.rset.x_f__mutmut_1", NAME]
    assert trying.matching(["*.tree.*", NAME], names) == [NAME]


def test_a_name_that_no_mutant_has_is_told() -> None:
    with pytest.raises(SystemExit, match="no mutant is named 'nonsense'"):
        trying.matching(["nonsense"], [NAME])
