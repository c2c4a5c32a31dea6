"""How to come to each row about lists of descriptors: one sentence by its cause."""

from __future__ import annotations

IO_WAYS = {
    "io_list_too_long": "Give a list of 17 entries; 16 are allowed.",
    "io_list_unreadable": "Give NULL, a bad address, or an iolen that is more than there are entries.",
    "io_type_internal": "Put an entry of type BPROC_IO_MEMFILE into the list.",
    "io_type_unknown": "Put an entry of another type than BPROC_IO_FILE and BPROC_IO_SOCKET into the list.",
    "io_descriptor_impossible": "Let fd be negative, or no less than the process may have descriptors.",
    "io_table_full": "Let the target have no room in its table of open files.",
    "io_makes_a_directory": "Let the flags of an entry have O_CREAT and O_DIRECTORY.",
    "io_path_empty": "Let the name of an entry be empty.",
    "io_search_denied": "Name a file of the target below a directory on which the caller has no x permission.",
    "io_slash_after_name": "Let the flags have O_CREAT, and the name end in a slash.",
    "io_file_absent": "Name a file that is not on the target, without O_CREAT.",
    "io_not_a_directory": "Let the name go on below a file.",
    "io_too_many_links": "Name a symbolic link of the target that leads to itself.",
    "io_path_io_error": "Let the target's disk fail where a directory on the way lies.",
    "io_already_exists": "Let the flags have O_CREAT and O_EXCL, and the file be there.",
    "io_directory_for_writing": "Name a directory, with O_WRONLY.",
    "io_directory_wanted": "Name a file, with O_DIRECTORY.",
    "io_read_only_mount": "Name a file to be written on a file system that is mounted read-only.",
    "io_directory_not_writable": "Let a file be made where the caller may not write.",
    "io_access_denied": "Name a file that the caller may not read, or write.",
    "io_no_device": "Name a device other than /dev/null.",
    "io_program_runs": "Name a program that runs on the target, with O_WRONLY.",
    "io_unreachable": "Let an entry's address be one that no machine has.",
}
