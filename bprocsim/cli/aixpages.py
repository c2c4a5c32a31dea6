"""What AIX's pages say of calls about processors, in our words."""

from __future__ import annotations

from bprocsim.cli.page import Page

_FAILURE = ("failure", "-1 is returned, errno is set, and nothing has changed.")
_ZERO = ("success", "0 is returned.")

AIX_PAGES = (
    Page(
        ("ra_exec", "ra_execl", "ra_execle", "ra_execlp", "ra_execv", "ra_execve", "ra_execvp", "ra_exect"),
        "become another program, attached to a resource",
        (
            "int ra_execl(rstype_t rstype, rsid_t rsid, unsigned int flags,",
            "             const char *path, const char *argument0, ..., 0);",
            "int ra_execle(rstype, rsid, flags, path, argument0, ..., 0, envp);",
            "int ra_execlp(rstype, rsid, flags, file, argument0, ..., 0);",
            "int ra_execv(rstype, rsid, flags, path, argv);",
            "int ra_execve(rstype, rsid, flags, path, argv, envp);",
            "int ra_execvp(rstype, rsid, flags, file, argv);",
            "int ra_exect(rstype, rsid, flags, path, argv, envp);",
        ),
        (
            (
                "does",
                "Replace the program of the calling process, as exec does, and attach the process to a resource: to a "
                "resource set (R_RSET), outside of which it never runs, or to an SRAD (R_SRADID), where it runs if "
                "there is room. Both happen or neither. The forms with a p look for the file along PATH.",
            ),
            (
                "flags",
                "0, or with R_RSET R_ATTACH_STRSET: run on one hardware thread of each core. All available processors "
                "of the set have to be of exclusive use; offline ones are left out, and so are cores of which a "
                "thread is missing in the set; of each other core one thread is taken.",
            ),
            (
                "who",
                "Root, or who has CAP_NUMA_ATTACH. No thread of the process may be bound by bindprocessor, and the set "
                "has to lie within the partition set of the process, for root as well.",
            ),
            ("success", "The call does not return: the caller has become the new image."),
            _FAILURE,
        ),
    ),
    Page(
        ("ra_fork",),
        "make a child that is attached to a resource",
        ("pid_t ra_fork(rstype_t rstype, rsid_t rsid, unsigned int flags);",),
        (
            ("does", "Make a child as fork does, and attach it, but not its parent, as ra_exec attaches its caller."),
            ("success", "The child's pid is returned, and 0 in the child."),
            _FAILURE,
        ),
    ),
    Page(
        ("ra_attachrset",),
        "attach a process or a thread to a resource set",
        ("int ra_attachrset(rstype_t rstype, rsid_t rsid, rsethandle_t rset, unsigned int flags);",),
        (
            (
                "does",
                "Let the threads of a process (R_PROCESS), or one thread (R_THREAD), run on processors of the set "
                "only. rsid is its id, or RS_MYSELF. A set that was attached before is replaced. The set is copied: "
                "what becomes of the handle later does not matter.",
            ),
            ("flags", "0 or R_ATTACH_STRSET, as for ra_exec."),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("ra_attach",),
        "attach a process or a thread to a resource set, or a thread to an SRAD",
        (
            "int ra_attach(rstype_t rstype1, rsid_t rsid1,",
            "              rstype_t rstype2, rsid_t rsid2, unsigned int flags);",
        ),
        (
            (
                "does",
                "Attach what the first pair names to what the second names: a process or a thread to a set, as "
                "ra_attachrset does, or a thread to an SRADID, which is advice and not a bound.",
            ),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("ra_detachrset",),
        "detach a process or a thread from its resource set",
        ("int ra_detachrset(rstype_t rstype, rsid_t rsid, unsigned int flags);",),
        (
            (
                "does",
                "Let a process run on all processors of its partition set again, or of the system; a thread on those "
                "of its process. With R_DETACH_ALLTHRDS the threads of the process lose their own sets as well. What "
                "is not attached may be detached, too.",
            ),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("ra_getrset",),
        "tell to which set a process or a thread is attached",
        ("int ra_getrset(rstype_t rstype, rsid_t rsid, unsigned int flags, rsethandle_t rset);",),
        (
            (
                "does",
                "Fill rset with the set by which the work goes: that of the thread, of its process, the partition "
                "set, or the system's. Nobody needs a right for it.",
            ),
            ("success", "Which one: RS_THREAD_RSET, RS_EFFECTIVE_RSET, RS_PARTITION_RSET or RS_DEFAULT_RSET."),
            _FAILURE,
        ),
    ),
    Page(
        ("bindprocessor",),
        "bind threads to one processor",
        ("int bindprocessor(int What, int Who, cpu_t Where);",),
        (
            (
                "does",
                "Bind all threads of a process (BINDPROCESS), or one thread (BINDTHREAD), to the processor with the "
                "bind id Where, or to none any more (PROCESSOR_CLASS_ANY). Bind ids count the processors that are "
                "online, without holes. A binding and an attachment to a set exclude each other.",
            ),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("rs_alloc",),
        "make a resource set",
        ("rsethandle_t rs_alloc(unsigned int flags);",),
        (
            (
                "does",
                "Make a set that holds nothing (RS_EMPTY), what is available (RS_SYSTEM), all that there may be "
                "(RS_ALL), or the caller's partition set (RS_PARTITION).",
            ),
            ("success", "A handle of the set is returned; rs_free takes it back."),
            ("failure", "NULL is returned, and errno is set."),
        ),
    ),
    Page(
        ("rs_free",),
        "take the memory of a resource set back",
        ("void rs_free(rsethandle_t rset);",),
        (("does", "Free the set; every later call that is given its handle finds a bad address."),),
    ),
    Page(
        ("rs_init",),
        "fill a resource set",
        ("int rs_init(rsethandle_t rset, unsigned int flags);",),
        (("does", "Let the set hold what rs_alloc would have put into a new one."), _ZERO, _FAILURE),
    ),
    Page(
        ("rs_op",),
        "combine, search or ask resource sets",
        (
            "int rs_op(unsigned int command, rsethandle_t rset1, rsethandle_t rset2,",
            "          unsigned int flags, unsigned int id);",
        ),
        (
            (
                "does",
                "RS_UNION, RS_INTERSECTION, RS_EXCLUSION and RS_COPY store in rset2 what comes of both; RS_EXCLUSION "
                "takes rset1 out of rset2. RS_FIRST, RS_NEXT and RS_NEXT_WRAP walk through rset1, one resource at a "
                "time in rset2. RS_ADDRESOURCE and RS_DELRESOURCE change rset1 by id. RS_STSET stores in rset2 one "
                "hardware thread of each whole core of rset1.",
            ),
            ("flags", "R_PROCS, R_MEMPS, or both, which is what 0 means."),
            ("success", "0; of RS_ISEMPTY, RS_ISEQUAL, RS_ISCONTAINED (rset1 in rset2) and RS_TESTRESOURCE 1 for yes."),
            _FAILURE,
        ),
    ),
    Page(
        ("rs_getinfo",),
        "tell a number about a resource set or the system",
        ("int rs_getinfo(rsethandle_t rset, rsinfo_t info_type, unsigned int flags);",),
        (
            (
                "does",
                "Count available processors (R_NUMPROCS) or memory (R_NUMMEMPS, R_MEMSIZE) of a set, or tell a limit "
                "or a system detail level of the system, for which rset may be NULL.",
            ),
            ("success", "The number is returned."),
            _FAILURE,
        ),
    ),
    Page(
        ("rs_numrads",),
        "count resource allocation domains",
        ("int rs_numrads(rsethandle_t rset, unsigned int sdl, unsigned int flags);",),
        (
            ("does", "Count the domains of the level sdl of which something available lies in the set."),
            ("success", "The number is returned."),
            _FAILURE,
        ),
    ),
    Page(
        ("rs_getrad",),
        "give a resource allocation domain as a set",
        (
            "int rs_getrad(rsethandle_t rset, rsethandle_t rad, unsigned int sdl,",
            "              unsigned int index, unsigned int flags);",
        ),
        (
            (
                "does",
                "Store in rad what of a domain lies in rset. With RS_UNION it is added to rad, with RS_EXCLUSION it is "
                "taken out of it; otherwise rad is emptied first.",
            ),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("rs_getassociativity",),
        "tell where a processor stands at each level",
        (
            "int rs_getassociativity(unsigned int type, unsigned int id,",
            "                        int *array, int size);",
        ),
        (
            ("does", "Store in array how many levels there are, and the domain of the processor at each."),
            ("who", "Root."),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("rs_get_homesrad",),
        "tell the home SRAD of the calling thread",
        ("sradid_t rs_get_homesrad(void);",),
        (
            ("does", "Tell the SRAD in which the thread runs if there is room."),
            ("success", "Its id is returned; SRADID_ANY where enhanced affinity is disabled."),
        ),
    ),
    Page(
        ("rs_info",),
        "tell more about domains and their load",
        ("int rs_info(void *out, unsigned int command, int arg1, int arg2);",),
        (
            (
                "does",
                "RS_CONTAINING_RAD tells in which domain another lies; RS_SRADID_LOADAVG how loaded an SRAD is, and "
                "RS_SRADID_USABLE_LOADAVG how loaded that part of it is which the caller may use.",
            ),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("rs_setpartition", "set_partition"),
        "set the partition set of a process",
        ("int rs_setpartition(pid_t pid, rsethandle_t rset, unsigned int flags);",),
        (
            (
                "does",
                "Bound a process: its effective set and the sets of its threads have to lie within the partition "
                "set, now and later. RS_DEFAULT takes it away.",
            ),
            ("who", "Root; no capability stands in for it."),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("rs_getpartition",),
        "tell the partition set of a process",
        ("int rs_getpartition(pid_t pid, rsethandle_t rset);",),
        (
            ("does", "Fill rset with the partition set of a process, or with the system's set if it has none."),
            ("success", "RS_PARTITION_RSET or RS_DEFAULT_RSET is returned."),
            _FAILURE,
        ),
    ),
    Page(
        ("rs_registername",),
        "give a resource set a name",
        (
            "int rs_registername(rsethandle_t rset, char *namespace, char *rsname,",
            "                    unsigned int mode, unsigned int command);",
        ),
        (
            (
                "does",
                "Put a copy of the set under namespace/rsname: a new name (RS_DEFINE), or also one that is there "
                "(RS_REDEFINE), which keeps its owner and mode. Processors of a set in the namespace sysxrset are of "
                "exclusive use from then on: only work runs there that is attached to a set which holds them.",
            ),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("rs_getnamedrset",),
        "give the resource set of a name",
        ("int rs_getnamedrset(char *namespace, char *rsname, rsethandle_t rset);",),
        (("does", "Fill rset with the named set."), ("who", "Root, or who may read the name."), _ZERO, _FAILURE),
    ),
    Page(
        ("rs_discardname",),
        "take the name of a resource set away",
        ("int rs_discardname(char *namespace, char *rsname);",),
        (
            (
                "does",
                "Take the name away; the processors of an exclusive set are everybody's again, unless another such "
                "set holds them. What is attached to the set stays so.",
            ),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("rs_getnameattr",),
        "tell owner, group and mode of a name",
        ("int rs_getnameattr(char *namespace, char *rsname, rs_attributes_t *attributes);",),
        (("does", "Fill attributes. Nobody needs a right for it."), _ZERO, _FAILURE),
    ),
    Page(
        ("rs_setnameattr",),
        "change owner, group or mode of a name",
        (
            "int rs_setnameattr(char *namespace, char *rsname, unsigned int command,",
            "                   rs_attributes_t *attributes);",
        ),
        (
            ("does", "Change what command names: RS_OWNER, RS_GROUP, RS_PERM, or several of them."),
            ("who", "Root, or the owner with CAP_NUMA_ATTACH; only root gives a name away."),
            _ZERO,
            _FAILURE,
        ),
    ),
    Page(
        ("mkrset",),
        "the command that makes a named resource set",
        ("mkrset -c CPUlist [-m MEMlist] namespace/rsname",),
        (
            ("does", "Register the set, with the mode rw-r--r--; in the namespace sysxrset as an exclusive one."),
            ("who", "Root, or who has CAP_NUMA_ATTACH and CAP_PROPAGATE."),
        ),
    ),
    Page(
        ("rmrset",),
        "the command that takes a named resource set away",
        ("rmrset namespace/rsname",),
        (
            ("does", "Discard the name, as rs_discardname does."),
            ("who", "Root, or who has CAP_NUMA_ATTACH and may write the name."),
        ),
    ),
    Page(
        ("smtctl",),
        "the command that sets how many hardware threads of a core are online",
        ("smtctl -t THREADS -w now",),
        (
            (
                "does",
                "Take hardware threads offline or bring them online, on all cores. Logical ids keep their numbers, "
                "bind ids are counted anew. Programs that catch SIGRECONFIG are warned.",
            ),
            ("who", "Root."),
        ),
    ),
    Page(
        ("dlpar_remove",),
        "remove a core from the running partition",
        (),
        (
            (
                "does",
                "Take a core away, unless a binding or an attached set hinders it. Who catches SIGRECONFIG is warned.",
            ),
        ),
    ),
    Page(
        ("dlpar_add",),
        "add a core to the running partition",
        (),
        (("does", "Bring back a core that was removed, or deallocated, or failed."),),
    ),
    Page(
        ("deallocate",),
        "take a core away that is predicted to fail",
        (),
        (
            (
                "does",
                "Warn what is bound to the last bind ids by SIGCPUFAIL, wait for at most ten minutes until nothing is, "
                "and take the core away.",
            ),
        ),
    ),
)
