"""What the tests of the command share."""

from __future__ import annotations

import pytest

from tests.cli.command import Here


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    """Run the command in this process."""
    return Here(monkeypatch)
