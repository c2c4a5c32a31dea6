"""What makes each row about I/O lists due: the name of a list in `iocases`, and of one that is well beside it."""

from __future__ import annotations

from bprocsim.testing.rows.defects import Defect


def _ways(right: str, *wrong: str) -> tuple[Defect, ...]:
    """Make one defect of each list; `right` is well where they are not."""
    return tuple(Defect({"io": each}, {"io": right}) for each in wrong)


IO_WAYS: dict[str, tuple[Defect, ...]] = {
    "io_list_too_long": _ways("sixteen", "seventeen"),
    "io_list_unreadable": _ways("none", "bad", "null"),
    "io_type_internal": _ways("file", "memory"),
    "io_type_unknown": _ways("file", "type", "negative type"),
    "io_descriptor_impossible": _ways("file", "high", "negative"),
    "io_table_full": (Defect({"node_files": 11}, {"node_files": 12}, {"io": "many files"}),),
    "io_makes_a_directory": _ways("new file", "makes directory"),
    "io_path_empty": _ways("file", "no name"),
    "io_search_denied": _ways("file", "closed"),
    "io_slash_after_name": _ways("new file", "slash"),
    "io_file_absent": _ways("file", "absent"),
    "io_not_a_directory": _ways("file", "beneath"),
    "io_too_many_links": _ways("file", "links"),
    "io_path_io_error": _ways("file", "spoilt"),
    "io_already_exists": _ways("new file", "exists"),
    "io_directory_for_writing": _ways("new file", "directory"),
    "io_directory_wanted": _ways("file", "no directory"),
    "io_read_only_mount": _ways("new file", "read only"),
    "io_directory_not_writable": _ways("new file", "others directory"),
    "io_access_denied": _ways("file", "others file"),
    "io_no_device": _ways("file", "device"),
    "io_program_runs": _ways("new file", "program"),
    "io_unreachable": _ways("socket", "nowhere"),
}
