"""The pytest plugin: fixtures that make worlds, and the worlds of a test in its failure report.

It is found by its entry point where bprocsim is installed; else `-p bprocsim.testing.plugin` loads it.
Hypothesis is not imported here, only looked at where a test has done so.
"""

from __future__ import annotations

from bprocsim.testing.plugin.fixtures import aix_lpar, bproc_cluster, bproc_sim, make_aix_lpar, make_bproc_cluster
from bprocsim.testing.plugin.hooks import (
    pytest_addoption,
    pytest_configure,
    pytest_configure_node,
    pytest_fixture_post_finalizer,
    pytest_fixture_setup,
    pytest_pycollect_makeitem,
    pytest_report_header,
    pytest_runtest_call,
    pytest_runtest_makereport,
    pytest_runtest_protocol,
    pytest_runtest_setup,
    pytest_unconfigure,
)

pytest_plugins = ("bprocsim.testing.coverage.plugin",)  # errno coverage: options and hooks of its own

__all__ = [
    "aix_lpar", "bproc_cluster", "bproc_sim", "make_aix_lpar", "make_bproc_cluster",
    "pytest_addoption", "pytest_configure", "pytest_configure_node", "pytest_fixture_post_finalizer",
    "pytest_fixture_setup", "pytest_pycollect_makeitem", "pytest_report_header", "pytest_runtest_call",
    "pytest_runtest_makereport", "pytest_runtest_protocol", "pytest_runtest_setup", "pytest_unconfigure",
]  # fmt: skip
