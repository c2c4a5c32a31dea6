"""The simulator under `linux-6` against this machine's own kernel, where it can be asked.

Hypothesis makes the same examples in every run. `BPROCSIM_KERNEL_EXAMPLES=5000` makes that many new
ones for each maker.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.kernel import recording
from tests.kernel.asking import Kernel, askable, unable
from tests.kernel.case import STAGES, line, to_json
from tests.kernel.exceptions import EXCEPTIONS
from tests.kernel.generated import MAKERS
from tests.kernel.simside import simulate

T = TypeVar("T")

pytestmark = [pytest.mark.linux, pytest.mark.slow]

ASKED_FOR = int(os.environ.get("BPROCSIM_KERNEL_EXAMPLES", "0"))
EXAMPLES = settings(
    max_examples=ASKED_FOR or 150,
    derandomize=not ASKED_FOR,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """Give this machine's kernel, at work for all tests; skip if it cannot be asked."""
    reason = unable()
    if reason is not None:
        pytest.skip(reason)
    with Kernel() as asked:
        yield asked


@pytest.mark.parametrize("stage", STAGES)
def test_the_simulator_says_what_this_kernel_says(stage: str, kernel: Kernel) -> None:
    cases = {id: case for id, case in recording.all_cases().items() if case.stage == stage and askable(case)}
    assert cases
    both = {id: (recording.said(id), kernel.ask(case)) for id, case in cases.items() if id not in EXCEPTIONS}
    differing = [recording.tell(id, ours, kernels) for id, (ours, kernels) in both.items() if ours != kernels]
    assert not differing, "\n".join([f"{len(differing)} of {len(both)} differ:", *differing])


class Drawn:
    """Chance from Hypothesis."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def among(self, options: Sequence[T]) -> T:
        """Give one of them."""
        return options[self.up_to(len(options) - 1)]

    def up_to(self, most: int) -> int:
        """Give a number from 0 to `most`."""
        number: int = self._draw(st.integers(0, most))
        return number


@pytest.mark.root
@pytest.mark.parametrize("maker", MAKERS)
def test_they_agree_on_whatever_is_made_up(maker: str, kernel: Kernel) -> None:
    stage, make = MAKERS[maker]

    @EXAMPLES
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        case = make(Drawn(data.draw), f"{stage}/made-up")
        ours, kernels = simulate(case), kernel.ask(case)
        if ours != kernels:
            pytest.fail(recording.tell(line(to_json(case)), ours, kernels))

    agree()
