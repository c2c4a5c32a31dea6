"""`python3 tests --only pytest -- tests/examples --refresh-golden` writes the goldens anew."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-golden", action="store_true", help="write examples/golden anew, then read the diff")


@pytest.fixture
def refresh_golden(request: pytest.FixtureRequest) -> bool:
    """Tell whether goldens are to be written. The option is known only where this folder is named."""
    return bool(request.config.getoption("--refresh-golden", default=False))
