"""The time model: what each step takes, each with where the number comes from.

All in integer nanoseconds and bytes. A preset names its sources; `attrs.evolve` makes a variant.
"""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

from bprocsim.units import KiB, MiB, ms, s, us


@frozen
class Costs:
    """Every cost of the model. Defaults are the preset "clustermatic-2002"; see `SOURCES`.

    TypeError, ValueError: name the cost that is no number of nanoseconds or bytes.
    """

    name: str = "clustermatic-2002"

    # A system call, and the bytes that a call copies.
    syscall_ns: int = 1 * us
    fork_ns: int = 245 * us
    exec_ns: int = 880 * us
    image_read_ns_per_mib: int = 4 * ms
    file_copy_ns_per_mib: int = 0
    signal_ns: int = 2 * us
    loader_ns_per_library: int = 100 * us

    # The network: Fast Ethernet through one switch.
    link_latency_ns: int = 50 * us
    link_ns_per_mib: int = 93_457_944
    loopback_latency_ns: int = 11 * us
    loopback_ns_per_mib: int = 5 * ms
    tcp_connect_ns: int = 54 * us
    tcp_retries_ns: tuple[int, ...] = (3 * s, 6 * s, 12 * s, 24 * s, 48 * s, 96 * s)
    socket_buffer_bytes: int = 64 * KiB
    pipe_bytes: int = 4 * KiB

    # BProc: a message through a daemon, the stub on the slave, thawing a frozen image.
    message_bytes: int = 512
    daemon_ns: int = 100 * us
    stub_ns: int = 245 * us
    thaw_ns: int = 900 * us
    stream_chunk_bytes: int = 64 * KiB

    # Nodes and processors.
    quantum_ns: int = 50 * ms
    node_connect_ns: int = 3 * s
    node_up_ns: int = 1500 * ms
    node_shutdown_ns: int = 3 * s

    def __attrs_post_init__(self) -> None:
        for name, value in asdict(self, recurse=False).items():
            if name == "tcp_retries_ns":
                _check_pauses(name, value)
            elif name != "name":
                _check_cost(name, value, _LEAST.get(name, 0))

    def image_read_ns(self, size_bytes: int) -> int:
        """Tell how long reading an image of so many bytes takes."""
        return size_bytes * self.image_read_ns_per_mib // MiB

    def file_copy_ns(self, size_bytes: int) -> int:
        """Tell how long reading or writing so many bytes of a regular file takes."""
        return size_bytes * self.file_copy_ns_per_mib // MiB


# What can be no less: a turn that takes no time, a buffer that takes no byte, a pipe without PIPE_BUF.
_LEAST = {"quantum_ns": 1, "socket_buffer_bytes": 1, "stream_chunk_bytes": 1, "pipe_bytes": 4 * KiB}


def _check_cost(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: expected an int, got {value!r}")
    if value < least:
        raise ValueError(f"{name}: expected at least {least}, got {value}")


def _check_pauses(name: str, value: Any) -> None:
    if not isinstance(value, tuple):
        raise TypeError(f"{name}: expected a tuple of ints, got {value!r}")
    for each in value:
        _check_cost(name, each, 0)


# Where each number comes from: an id of sources.toml.
SOURCES: dict[str, str] = {
    "syscall_ns": "choice-costs",
    "fork_ns": "lmbench-2001",
    "exec_ns": "lmbench-2001",
    "image_read_ns_per_mib": "choice-costs",
    "file_copy_ns_per_mib": "choice-costs",
    "signal_ns": "choice-costs",
    "loader_ns_per_library": "choice-costs",
    "link_latency_ns": "fast-ethernet-2002",
    "link_ns_per_mib": "fast-ethernet-2002",
    "loopback_latency_ns": "lmbench-2001",
    "loopback_ns_per_mib": "lmbench-2001",
    "tcp_connect_ns": "lmbench-2001",
    "tcp_retries_ns": "linux-tcp7",
    "socket_buffer_bytes": "linux-tcp7",
    "pipe_bytes": "linux-pipe7",
    "message_bytes": "choice-costs",
    "daemon_ns": "hendriks-2002",
    "stub_ns": "lmbench-2001",
    "thaw_ns": "hendriks-2002",
    "stream_chunk_bytes": "choice-costs",
    "quantum_ns": "choice-costs",
    "node_connect_ns": "linuxbios-2002",
    "node_up_ns": "beoboot-node_up",
    "node_shutdown_ns": "bproc-4.0.0pre8-slave",
}

# A TCP stream over Myrinet 2000: 1.96 Gb/s, and one way in the middle of what was seen with such cards.
_MYRINET_LATENCY_NS = 30 * us
_MYRINET_NS_PER_MIB = 4_279_902
# A buffer into which every image fits passes it as one message: a window that never closes.
_WIDE_BYTES = 64 * MiB
# One copy in memory, 2.5 GiB/s.
_COPY_NS_PER_MIB = 390_625

# The systems on which launch times were measured; those that have none of their own have figures of 2002.
_SYSTEMS = (
    Costs(
        "pinkish", fork_ns=100 * us, exec_ns=368 * us, image_read_ns_per_mib=_COPY_NS_PER_MIB,
        file_copy_ns_per_mib=_COPY_NS_PER_MIB, link_latency_ns=_MYRINET_LATENCY_NS,
        link_ns_per_mib=_MYRINET_NS_PER_MIB, socket_buffer_bytes=_WIDE_BYTES,
    ),
    Costs("LLNL-1000", link_latency_ns=50 * us, link_ns_per_mib=13_107_200, socket_buffer_bytes=_WIDE_BYTES),
    Costs("2x ES40", link_latency_ns=_MYRINET_LATENCY_NS, link_ns_per_mib=13_107_200),
    Costs("16x CS20"),
    Costs("Ed-like 126"),
    Costs("BProc cluster in STORM table", link_latency_ns=_MYRINET_LATENCY_NS, link_ns_per_mib=28_200_000),
)  # fmt: skip

PRESETS: dict[str, Costs] = {each.name: each for each in (Costs(), *_SYSTEMS)}

# Where a preset's own numbers come from; the others are those of SOURCES.
PRESET_SOURCES: dict[str, dict[str, str]] = {
    "pinkish": {
        "fork_ns": "lmbench-2007",
        "exec_ns": "lmbench-2007",
        "image_read_ns_per_mib": "choice-launch",
        "file_copy_ns_per_mib": "choice-launch",
        "link_latency_ns": "choice-launch",
        "link_ns_per_mib": "myricom-2000",
        "socket_buffer_bytes": "choice-launch",
    },
    "LLNL-1000": {"link_ns_per_mib": "choice-launch", "socket_buffer_bytes": "choice-launch"},
    "2x ES40": {"link_latency_ns": "choice-launch", "link_ns_per_mib": "choice-launch"},
    "16x CS20": {},
    "Ed-like 126": {},
    "BProc cluster in STORM table": {"link_latency_ns": "choice-launch", "link_ns_per_mib": "choice-fit-storm"},
}
