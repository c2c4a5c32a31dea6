"""BProc 4.0's calls on sets of nodes: specifications, and what its library does with a set."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bprocsim.bproc import nodesets
from bprocsim.bproc.filerows import CHOICE, no_page_left, of_a_file, unread, unwritable_set
from bprocsim.bproc.service import Service, errors_of
from bprocsim.errnos import Errno as E
from bprocsim.manual import Row

_LIBRARY, _NODESPEC = "bproc-4.0.0pre8-library", "bproc-nodespec"

_TOO_BIG = "size is negative, or there is no memory left for so many"
_NO_SPECIFICATION = "str points to memory that the program cannot read"
_MALFORMED = "str is no node specification"

_CALLS = (
    Service(
        errors_of(
            "bproc_nodespec",
            _NODESPEC,
            [
                unwritable_set(),
                unread(nodesets.specification_unreadable, _NO_SPECIFICATION),
                *of_a_file(),
                no_page_left(),
                Row(E.EINVAL, nodesets.specification_malformed, _MALFORMED, source=CHOICE),
            ],
        ),
        nodesets.survey_specification,
        nodesets.fill_specified,
    ),
    Service(
        errors_of(
            "bproc_nodefilter",
            _NODESPEC,
            [
                unwritable_set(),
                unread(nodesets.set_unreadable, "in points to memory that the program cannot read"),
                unread(nodesets.specification_unreadable, _NO_SPECIFICATION),
                no_page_left(),
                Row(E.EINVAL, nodesets.specification_malformed, _MALFORMED, source=CHOICE),
            ],
        ),
        nodesets.survey_filter,
        nodesets.fill_filtered,
    ),
    *(
        Service(
            errors_of(
                name,
                _LIBRARY,
                [unwritable_set(), Row(E.ENOMEM, nodesets.set_too_big, _TOO_BIG, source=CHOICE)],
            ),
            nodesets.survey_set,
            done,
        )
        for name, done in (("bproc_nodeset_init", nodesets.make_room), ("bproc_nodeset_grow", nodesets.make_more_room))
    ),
    Service(errors_of("bproc_nodeset_free", _LIBRARY, [unwritable_set()]), nodesets.survey_set, nodesets.empty),
    Service(
        errors_of(
            "bproc_nodeset_add",
            _LIBRARY,
            [
                unwritable_set(),
                unread(nodesets.node_unreadable, "n points to memory that the program cannot read"),
                no_page_left(),
            ],
        ),
        nodesets.survey_set,
        nodesets.add,
    ),
    Service(
        errors_of(
            "bproc_nodeset_append",
            _LIBRARY,
            [
                unwritable_set(),
                unread(nodesets.other_set_unreadable, "the other set is in memory that the program cannot read"),
                no_page_left(),
            ],
        ),
        nodesets.survey_set,
        nodesets.append,
    ),
)

NODESET_CALLS: Mapping[str, Service] = MappingProxyType({each.errors.call: each for each in _CALLS})
