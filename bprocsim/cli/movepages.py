"""What the pages of the calls that move a process say, in our words; that of bproc_execmove is in `pages`."""

from __future__ import annotations

from bprocsim.cli.page import Page

_PORT = (
    "port",
    "0, as in the forms without: stdout and stderr, and nothing else, go home through the socket by which the "
    "process came. Any other: a TCP port of the caller's node, to which three connections are made, for stdout, "
    "stderr and stdin.",
)
LIST = (
    "io, iolen",
    "With lanl32 and bproc4: a list of at most 16 entries, one for each descriptor that the process is to have on "
    "the node. BPROC_IO_FILE opens a file there, BPROC_IO_SOCKET connects to an address, 0.0.0.0 for the caller's "
    "node, and writes pid and descriptor first under BPROC_IO_SEND_INFO. Entries are done in their order, with the "
    "caller's rights; one that fails ends the move, unless it has BPROC_IO_DELAY. An iolen of -1 stands for port 0, "
    "0 for no descriptors at all.",
)
_FLAGS = (
    "flags",
    "What is sent and not named: BPROC_DUMP_EXEC the program, BPROC_DUMP_OTHER other mapped files, "
    "BPROC_DUMP_LIBS those on the library list. The forms without send the first two, to a node that is not up "
    "all three.",
)

# What is said besides where the library takes a move to the own node for one that succeeded.
STAYS = {
    "bproc_move": "A move to the node where the process is, and one of a process on the master to the master while no "
    "daemon runs, returns 0 and moves nothing. Nobody is refused there.",
    "bproc_rfork": "A child for the node where the caller is begins there as one of fork does; what the call asks of "
    "its descriptors is done there too.",
}

_SLOTS = (
    "pids",
    "Is filled with a slot for each node: the pid of the child, the errno's negative number, or 0 for a node that was "
    "not tried, for a signal that waits ends the launch.",
)
_WEAK = (
    "output",
    "Without I/O of their own, the children that got the image from the caller's node write to its descriptor 1. Those "
    "that got it from another child write to a socket that is closed: EPIPE and SIGPIPE.",
)

MOVE_PAGES = (
    Page(
        ("bproc_move", "_bproc_move", "_bproc_move_io", "bproc_move_io"),
        "go on running on another node",
        (
            "int bproc_move(int node);",
            "int _bproc_move(int node, int flags);",
            "int _bproc_move_io(int node, int flags, int port);",
            "int bproc_move_io(int node, struct bproc_io_t *io, int iolen);",
            "int _bproc_move_io(int node, struct bproc_io_t *io, int iolen, int flags);",
        ),
        (
            (
                "does",
                "Freeze the calling process, send it to node, and let it go on there. Its pid, its family, its ids, "
                "its signal handlers and the name of its directory go with it; descriptors, timers and other threads "
                "do not. A move to the master, -1, brings it home.",
            ),
            _FLAGS,
            _PORT,
            LIST,
            ("success", "0 is returned, on the other node."),
            ("failure", "-1 is returned, errno is set, and the process is what it was, where it was."),
        ),
    ),
    Page(
        ("bproc_rexec", "_bproc_rexec_io", "bproc_rexec_io"),
        "run a program that is on another node, there",
        (
            "int bproc_rexec(int node, const char *cmd,",
            "                char *const argv[], char *const envp[]);",
            "int _bproc_rexec_io(int node, int port, const char *cmd,",
            "                    char *const argv[], char *const envp[]);",
            "int bproc_rexec_io(int node, struct bproc_io_t *io, int iolen,",
            "                   const char *cmd, char *const argv[], char *const envp[]);",
        ),
        (
            (
                "does",
                "Move to node and replace the program of the calling process by the one in the file cmd of that "
                "node. All names are that node's: the file and its libraries must be there.",
            ),
            _PORT,
            LIST,
            ("success", "The call does not return: the caller has become the new image, on another node."),
            (
                "failure",
                "-1 is returned and errno is set, as long as the process is where it was. Whether that still holds "
                "when the exec is refused there depends on the edition: with scyld the process exits with status 1.",
            ),
        ),
    ),
    Page(
        ("bproc_rfork", "_bproc_rfork", "_bproc_rfork_io", "bproc_rfork_io"),
        "make a child that begins on another node",
        (
            "int bproc_rfork(int node);",
            "int _bproc_rfork(int node, int flags);",
            "int _bproc_rfork_io(int node, int flags, int port);",
            "int bproc_rfork_io(int node, struct bproc_io_t *io, int iolen);",
            "int _bproc_rfork_io(int node, struct bproc_io_t *io, int iolen, int flags);",
        ),
        (
            (
                "does",
                "Make a copy of the calling process, which moves to node and begins there. Here it takes the "
                "function that the child runs, as fork does.",
            ),
            _FLAGS,
            _PORT,
            LIST,
            ("success", "The child's pid is returned, once it has arrived."),
            (
                "failure",
                "-1 is returned and errno is set; there is no child, no zombie and no SIGCHLD. With bproc4 the "
                "errno's negative number is returned in place of -1 for what goes wrong on the way.",
            ),
        ),
    ),
    Page(
        ("bproc_vexecmove", "bproc_vexecmove_io"),
        "start a program on many nodes at once",
        (
            "int bproc_vexecmove(int n, int *nodes, int *pids, const char *cmd,",
            "                    char *const argv[], char *const envp[]);",
        ),
        (
            (
                "does",
                "Make a child for each of the n nodes, load the image of cmd on the calling node, and start it on "
                "all of them. Whoever has the image passes it on, so that the copies double from round to round. "
                "None begins before all have been placed. In the environment of each, BPROC_RANK=XXXXXXX becomes "
                "its index, from 0000000 on.",
            ),
            _SLOTS,
            _WEAK,
            ("success", "The number of nodes is returned; the children are the caller's own, to be waited for."),
            (
                "failure",
                "-1 is returned, errno is set, and there is no child. What is wrong with one node is no failure.",
            ),
        ),
    ),
    Page(
        ("bproc_vrfork", "_bproc_vrfork", "bproc_vrfork_io", "_bproc_vrfork_io"),
        "make a child on each of many nodes",
        (
            "int bproc_vrfork(int n, int *nodes, int *pids);",
            "int _bproc_vrfork(int n, int *nodes, int *pids, int flags);",
        ),
        (
            (
                "does",
                "Make n copies of the calling process, one on each of the nodes, by the way of bproc_vexecmove. Here "
                "it takes the function that the children run, with their index.",
            ),
            _SLOTS,
            _WEAK,
            ("success", "The number of nodes is returned; in C a child gets its index."),
            (
                "failure",
                "-1 is returned, errno is set, and there is no child. What is wrong with one node is no failure.",
            ),
        ),
    ),
)
