"""The children of a process, and of which of them there is something to tell.

A wait asks for the eldest child that has ended or was stopped. So that it need not look at all of them,
those are kept apart, in the order of their birth.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Any

# A child of whom there is something to tell: how many were born before it, and its pid.
News = tuple[int, int]


class Children(dict[int, Any]):
    """The children of a process by pid, the eldest first.

    `births` how many there have been; `ended` those that ended and `stopped` those that were stopped and
    for whom nobody has waited since. These three are kept only once there is something in them.
    """

    births = 0
    ended: Sequence[News] = ()
    stopped: Sequence[News] = ()

    def add(self, child: Any) -> None:
        """Let a child be born."""
        assert self is not CHILDLESS, "all who have no children share it"
        child.birth = self.births
        self.births += 1
        self[child.pid] = child

    def note_end(self, child: Any) -> None:
        """Note that a child has ended, whether it was stopped before or not."""
        self.forget_stop(child)
        self.ended = _with(self.ended, child)

    def note_stop(self, child: Any) -> None:
        """Note that a child was stopped."""
        self.forget_stop(child)
        self.stopped = _with(self.stopped, child)

    def forget_stop(self, child: Any) -> None:
        """Note that a child goes on, or that somebody has been told that it was stopped."""
        if self.stopped:
            self.stopped = _without(self.stopped, child)

    def remove(self, child: Any) -> None:
        """Let a child be nobody's: it was waited for, or will not be."""
        if self.pop(child.pid, None) is not None:
            if self.ended:
                self.ended = _without(self.ended, child)
            self.forget_stop(child)

    def undo(self, child: Any) -> None:
        """Let the youngest child never have been born."""
        self.remove(child)
        if child.birth == self.births - 1:
            self.births = child.birth
            if not self.births:
                del self.births  # as it was before there was one

    def has_ended(self, child: Any) -> bool:
        """Tell whether a child has ended, and nobody has waited for it."""
        return _holds(self.ended, child)

    def tells_of(self, child: Any, *, stopped: bool) -> bool:
        """Tell whether there is something to tell of a child, None for none; `stopped` that it was stopped counts."""
        return child is not None and (self.has_ended(child) or (stopped and _holds(self.stopped, child)))

    def eldest(self, *, stopped: bool, counts: Callable[[Any], bool] | None = None) -> Any:
        """Give the eldest child that has ended, or, if they are asked for, was stopped; None if there is none.

        `counts(child)` tells which of them are meant, None all.
        """
        news = _first(self, self.ended, counts)
        other = _first(self, self.stopped, counts) if stopped and self.stopped else None
        if news is None or (other is not None and other < news):
            news = other
        return None if news is None else self[news[1]]


CHILDLESS = Children()  # what all share who have none; the first is added to one's own


def _with(all_news: Sequence[News], child: Any) -> Sequence[News]:
    kept = all_news if isinstance(all_news, list) else list(all_news)
    insort(kept, (child.birth, child.pid))
    return kept


def _without(all_news: Sequence[News], child: Any) -> Sequence[News]:
    if _holds(all_news, child):
        assert isinstance(all_news, list)
        del all_news[bisect_left(all_news, (child.birth, child.pid))]
    return all_news


def _holds(all_news: Sequence[News], child: Any) -> bool:
    news = (child.birth, child.pid)
    index = bisect_left(all_news, news)
    return index < len(all_news) and all_news[index] == news


def _first(children: Children, all_news: Sequence[News], counts: Callable[[Any], bool] | None) -> News | None:
    if counts is None:
        return all_news[0] if all_news else None
    return next((news for news in all_news if counts(children[news[1]])), None)
