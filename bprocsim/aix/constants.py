"""The numbers of AIX's headers for resource sets and processor binding, under their C names.

Sources: aix-rset-header, omr-aix, aix-processor-header.
"""

from __future__ import annotations

# What a resource is of, or what is attached (rstype_t).
R_NADA = 0
R_PROCESS = 1
R_RSET = 2
R_SUBRANGE = 3
R_SHM = 4
R_FILDES = 5
R_THREAD = 6
R_SRADID = 13
R_PROCMEM = 14

RS_MYSELF = -1  # the calling process or thread
SRADID_ANY = -1

# What a new set holds (rs_alloc, rs_init).
RS_EMPTY = 0
RS_SYSTEM = 1
RS_ALL = 2
RS_PARTITION = 3

# Kinds of resources in a set.
R_PROCS = 1
R_MEMPS = 2
R_ALL_RESOURCES = R_PROCS | R_MEMPS

# Commands of rs_op.
RS_UNION = 1
RS_INTERSECTION = 2
RS_EXCLUSION = 3
RS_COPY = 4
RS_FIRST = 5
RS_NEXT = 6
RS_NEXT_WRAP = 7
RS_ISEMPTY = 8
RS_ISEQUAL = 9
RS_ISCONTAINED = 10
RS_TESTRESOURCE = 11
RS_ADDRESOURCE = 12
RS_DELRESOURCE = 13
RS_STSET = 14

# What rs_getinfo tells (rsinfo_t).
R_NUMPROCS = 0
R_NUMMEMPS = 1
R_MEMSIZE = 2
R_MAXSDL = 3
R_SMPSDL = 4
R_MCMSDL = 5
R_MAXPROCS = 6
R_MAXMEMPS = 7
R_LGPGFREE = 8
R_LGPGDEF = 9
R_SHMATTCAP = 10
R_L2CSDL = 11
R_PCORESDL = 12
R_REF1SDL = 13
R_SRADSDL = R_MCMSDL

# Commands of rs_info. The number of RS_SRADID_LOADAVG is OMR's; no source was found for the others.
RS_CONTAINING_RAD = 1
RS_SRADID_LOADAVG = 2
RS_SRADID_USABLE_LOADAVG = 3

# Which set is in force (ra_getrset, rs_getpartition).
RS_EFFECTIVE_RSET = 2
RS_PARTITION_RSET = 3
RS_DEFAULT_RSET = 4
RS_THREAD_RSET = 5
RS_THREAD_PARTITION_RSET = 6

# Flags.
R_ATTACH_STRSET = 0x100
R_DETACH_ALLTHRDS = 0x1
R_MEMP_MASK = 0xFF
P_DEFAULT = 0
P_FIRST_TOUCH = 1
P_BALANCED = 2
R_MIGRATE_ASYNC = 0x200
RS_NON_EXCLUSIVE = 0x1

# The registry of names.
RS_DEFINE = 0
RS_REDEFINE = 1
RS_OWNER = 1
RS_GROUP = 2
RS_PERM = 4
RSET_NAME_SIZE = 255
RS_IRUSR = 0o400
RS_IWUSR = 0o200
RS_IRGRP = 0o040
RS_IWGRP = 0o020
RS_IROTH = 0o004
RS_IWOTH = 0o002

# bindprocessor.
BINDPROCESS = 1
BINDTHREAD = 2
PROCESSOR_CLASS_ANY = -1
