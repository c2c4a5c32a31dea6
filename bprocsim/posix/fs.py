"""Build a machine's files by hand, with the builder's authority and outside simulated time.

The builder is root whatever the permission bits, the read-only mounts and the unreadable sectors
say; modes are set exactly. Mistakes raise ordinary OSErrors, each chosen by a row below.
"""

from __future__ import annotations

import re
from types import TracebackType

from attrs import define, frozen, setters

from bprocsim.errnos import Errno
from bprocsim.faces.errors import make_error
from bprocsim.manual import Errors, Row
from bprocsim.posix import vfs
from bprocsim.posix.credentials import ROOT, check_id
from bprocsim.posix.paths import LIMITS_NOW, AnyPath, Stop, Walk, path_bytes, walk, walk_to_make
from bprocsim.posix.vfs import FileTree, Inode, Kind

_SPECIAL = {kind.value: kind for kind in (Kind.FIFO, Kind.SOCKET, Kind.CHR, Kind.BLK)}
_PREFIX = re.compile(rb"[^/]+(?=/+[^/])")  # each component with another one behind it


# ---- The errors ---------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Survey:
    """What a call finds: `found` a walk to what must be there, `place` one to where a name is made."""

    tree: FileTree
    found: Walk | None = None
    place: Walk | None = None
    path: bytes = b""  # what the walks, or the longer of them, had to do
    target: bytes = b"/"  # of a symbolic link to be made

    def stops(self) -> tuple[Stop, ...]:
        """Give what stands in the way of either walk."""
        return tuple(stop for one in (self.found, self.place) if one is not None for stop in one.stops)

    def existing(self) -> Inode | None:
        """Give what is there already, under either name."""
        if self.found is not None:
            return self.found.inode
        return None if self.place is None else self.place.inode


def path_too_long(survey: Survey) -> bool:
    return LIMITS_NOW.too_long(survey.path)


def component_too_long(survey: Survey) -> bool:
    return Stop.NAME_TOO_LONG in survey.stops()


def not_a_directory(survey: Survey) -> bool:
    return Stop.NOT_A_DIRECTORY in survey.stops()


def too_many_links(survey: Survey) -> bool:
    return Stop.TOO_MANY_LINKS in survey.stops()


def absent(survey: Survey) -> bool:
    return survey.found is not None and Stop.ABSENT in survey.found.stops


def parent_absent(survey: Survey) -> bool:
    return survey.place is not None and Stop.ABSENT in survey.place.stops and survey.place.parent is None


def name_taken(survey: Survey) -> bool:
    return survey.place is not None and survey.place.inode is not None


def slash_after_new_name(survey: Survey) -> bool:
    place = survey.place
    return place is not None and place.inode is None and place.wants_directory


def slash_after_file(survey: Survey) -> bool:
    return survey.found is not None and survey.found.wants_directory


def target_empty(survey: Survey) -> bool:
    return not survey.target


def target_too_long(survey: Survey) -> bool:
    return LIMITS_NOW.too_long(survey.target)


def is_directory(survey: Survey) -> bool:
    inode = survey.existing()
    return inode is not None and inode.entries is not None


def is_no_directory(survey: Survey) -> bool:
    inode = survey.existing()
    return inode is not None and inode.entries is None


def not_regular(survey: Survey) -> bool:
    inode = survey.existing()
    return inode is not None and inode.entries is None and inode.kind is not Kind.FILE


def not_a_link(survey: Survey) -> bool:
    inode = survey.existing()
    return inode is not None and inode.kind is not Kind.SYMLINK


def other_file_system(survey: Survey) -> bool:
    inode, place = survey.existing(), survey.place
    return (
        inode is not None and place is not None and place.parent is not None and place.parent.mount is not inode.mount
    )


def ends_in_dot(survey: Survey) -> bool:
    return survey.found is not None and survey.found.name == b"."


def ends_in_dotdot(survey: Survey) -> bool:
    return survey.found is not None and survey.found.name == b".."


def is_mount_point(survey: Survey) -> bool:
    inode = survey.existing()
    return inode is not None and vfs.is_mount_point(survey.tree, inode.number)


def not_a_mount_point(survey: Survey) -> bool:
    return not is_mount_point(survey)


def holds_mounts(survey: Survey) -> bool:
    inode, tree = survey.existing(), survey.tree
    return inode is not None and any(
        tree.inodes[each.covered].mount is inode.mount for each in tree.mounts[1:] if each is not inode.mount
    )


def is_root(survey: Survey) -> bool:
    inode = survey.existing()
    return inode is not None and inode.number == survey.tree.root


def not_empty(survey: Survey) -> bool:
    inode = survey.existing()
    return inode is not None and bool(inode.entries)


_WALK = (
    Row(Errno.ENAMETOOLONG, path_too_long, "the path is longer than PATH_MAX"),
    Row(Errno.ENAMETOOLONG, component_too_long, "a component of the path is longer than NAME_MAX"),
    Row(Errno.ENOTDIR, not_a_directory, "something on the way, or before a last slash, is not a directory"),
    Row(Errno.ELOOP, too_many_links, "too many symbolic links on the way"),
)
_ABSENT = Row(Errno.ENOENT, absent, "the path, or what a symbolic link on it names, does not exist")
_PARENT_ABSENT = Row(Errno.ENOENT, parent_absent, "the directory of the new name does not exist")
_NAME_TAKEN = Row(Errno.EEXIST, name_taken, "the new name exists already, perhaps as a symbolic link")
_NEW_SLASH = Row(Errno.ENOENT, slash_after_new_name, "a slash follows a new name that is to be no directory")
_IS_DIRECTORY = Row(Errno.EISDIR, is_directory, "it is a directory")
_IS_NO_DIRECTORY = Row(Errno.ENOTDIR, is_no_directory, "it is not a directory")
_NOT_REGULAR = Row(
    Errno.ENXIO, not_regular, "it is a fifo, a socket or a device with nobody behind it", source="linux-open2"
)


def _errors(call: str, page: str, *rows: Row) -> Errors:
    return Errors(f"fs.{call}", page=page, order="linux-path_resolution7", rows=(*_WALK, *rows))


MKDIR = _errors("mkdir", "posix-mkdir", _PARENT_ABSENT, _NAME_TAKEN)
WRITE_FILE = _errors(
    "write_file",
    "posix-open",
    _PARENT_ABSENT,
    _IS_DIRECTORY,
    Row(Errno.EISDIR, slash_after_new_name, "a slash follows the name of a new file", source="linux-open2"),
    _NOT_REGULAR,
)
READ_FILE = _errors("read_file", "posix-open", _ABSENT, _IS_DIRECTORY, _NOT_REGULAR)
OPEN_FOR_WRITE = _errors("open_for_write", "posix-open", _ABSENT, _IS_DIRECTORY, _NOT_REGULAR)
SYMLINK = _errors(
    "symlink",
    "posix-symlink",
    Row(Errno.ENOENT, target_empty, "the target is an empty text", source="linux-symlink2"),
    Row(Errno.ENAMETOOLONG, target_too_long, "the target is longer than PATH_MAX"),
    _PARENT_ABSENT,
    _NAME_TAKEN,
    _NEW_SLASH,
)
LINK = _errors(
    "link",
    "posix-link",
    _ABSENT,
    _PARENT_ABSENT,
    _NAME_TAKEN,
    _NEW_SLASH,
    Row(Errno.EXDEV, other_file_system, "the names lie on different file systems"),
    Row(Errno.EPERM, is_directory, "a directory has one name only"),
)
MKNOD = _errors("mknod", "posix-mknod", _PARENT_ABSENT, _NAME_TAKEN, _NEW_SLASH)
UNLINK = _errors(
    "unlink",
    "posix-unlink",
    _ABSENT,
    Row(Errno.EISDIR, is_directory, "it is a directory, for rmdir", source="linux-unlink2"),
    Row(Errno.ENOTDIR, slash_after_file, "a slash follows the name of something that is no directory"),
)
RMDIR = _errors(
    "rmdir",
    "posix-rmdir",
    _ABSENT,
    Row(Errno.EINVAL, ends_in_dot, "the last component is ."),
    Row(Errno.ENOTEMPTY, ends_in_dotdot, "the last component is .., which holds at least this directory"),
    _IS_NO_DIRECTORY,
    Row(Errno.EBUSY, is_mount_point, "a file system is mounted there, or it is the root"),
    Row(Errno.ENOTEMPTY, not_empty, "the directory holds names other than . and .."),
)
CHMOD = _errors("chmod", "posix-chmod", _ABSENT)
CHOWN = _errors("chown", "posix-chown", _ABSENT)
LCHOWN = _errors("lchown", "posix-lchown", _ABSENT)
MOUNT = _errors(
    "mount",
    "linux-mount2",
    _ABSENT,
    _IS_NO_DIRECTORY,
    Row(Errno.EBUSY, is_root, "the root of the tree is in use by everybody"),
)
UNMOUNT = _errors(
    "unmount",
    "linux-umount2",
    _ABSENT,
    Row(Errno.EINVAL, not_a_mount_point, "no file system is mounted there"),
    Row(Errno.EBUSY, is_root, "the root of the tree is in use by everybody"),
    Row(Errno.EBUSY, holds_mounts, "another file system is mounted within it"),
)
STAT = _errors("stat", "posix-stat", _ABSENT)
LSTAT = _errors("lstat", "posix-lstat", _ABSENT)
READLINK = _errors("readlink", "posix-readlink", _ABSENT, Row(Errno.EINVAL, not_a_link, "it is no symbolic link"))
LISTDIR = _errors("listdir", "posix-opendir", _ABSENT, _IS_NO_DIRECTORY)


# ---- What the methods take and give -------------------------------------------------------------


def _absolute(path: AnyPath, argument: str = "path") -> bytes:
    text = path_bytes(path, argument)
    if not text.startswith(b"/"):
        raise ValueError(f"{argument}: expected an absolute path, got {path!r}")
    return text


def _check_mode(mode: object) -> int:
    if not isinstance(mode, int) or isinstance(mode, bool):
        raise TypeError(f"mode: expected an int such as 0o755, got {mode!r}")
    if not 0 <= mode <= 0o7777:
        raise ValueError(f"mode: expected permission bits in 0..0o7777, got {mode:#o}")
    return mode


def _check_data(data: object) -> bytes:
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"data: expected bytes, got {data!r}")
    return bytes(data)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


@frozen
class FileStatus:
    """What stat tells: `kind` "file", "directory", "symlink", "fifo", "socket", "chr" or "blk".

    `mode` the bits of 07777; `size` bytes of a file or of a link's target; `links` how many names;
    `number` of the inode; `device` what a chr or blk stands for; `mount` where its file system is.
    """

    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    links: int
    number: int
    device: str
    mount: str


def _status(inode: Inode) -> FileStatus:
    return FileStatus(
        kind=inode.kind.value,
        mode=inode.mode,
        uid=inode.uid,
        gid=inode.gid,
        size=len(inode.data or inode.target),
        links=inode.links,
        number=inode.number,
        device=inode.device,
        mount=_text(inode.mount.path),
    )


class OpenForWrite:
    """A file held open for writing, until `close` or the end of a `with`; execs of it get ETXTBSY."""

    __slots__ = ("_number", "_tree", "closed")

    def __init__(self, tree: FileTree, number: int) -> None:
        self._tree, self._number, self.closed = tree, number, False
        tree.own(number).writers += 1

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        if not self.closed:
            self.closed = True
            self._tree.own(self._number).writers -= 1

    def __enter__(self) -> OpenForWrite:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Fs:
    """The files of one machine, to be built and looked at from outside the world.

    Paths are absolute: str (UTF-8, surrogateescape), bytes or PurePosixPath. All methods raise
    ValueError or TypeError naming a wrong argument, and OSError as their table in this module says.
    `system` is whose errno numbers they have.
    """

    __slots__ = ("system", "tree")

    def __init__(self, tree: FileTree, system: str = "linux") -> None:
        self.tree = tree
        self.system = system

    def mkdir(
        self,
        path: AnyPath,
        mode: int = 0o755,
        uid: int = 0,
        gid: int = 0,
        parents: bool = False,
        exist_ok: bool = False,
    ) -> None:
        """Make a directory.

        `parents` also makes missing directories above it, with mode 0755 and owner 0, 0;
        `exist_ok` leaves an existing directory as it is. Errors: MKDIR.
        """
        text, ids = _absolute(path), _checked(mode, uid, gid)
        if parents:
            for prefix in _PREFIX.finditer(text):
                above = text[: prefix.end()]
                if Stop.ABSENT in self._walk(above).stops:
                    self._make_directory(above, (0o755, 0, 0))
        if exist_ok:
            there = self._walk(text).inode
            if there is not None and there.entries is not None:
                return
        self._make_directory(text, ids)

    def write_file(self, path: AnyPath, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Create a file, or replace the contents, mode and owner of an existing one.

        A file keeps its inode and so its other names; symbolic links are followed, and one that
        leads nowhere gets its target made. Errors: WRITE_FILE.
        """
        text, data = _absolute(path), _check_data(data)
        mode, uid, gid = _checked(mode, uid, gid)
        place = self._walk(text)
        self._decide(WRITE_FILE, text, Survey(self.tree, place=place))
        if place.inode is None:
            assert place.parent is not None, "decided"
            vfs.create_file(self.tree, place.parent.number, place.name, mode, uid, gid, data)
        else:
            inode = self.tree.own(place.inode.number)
            inode.data, inode.mode, inode.uid, inode.gid = data, mode, uid, gid

    def read_file(self, path: AnyPath) -> bytes:
        """Give the contents of a file. Errors: READ_FILE."""
        return self._find(READ_FILE, path).data

    def symlink(self, target: AnyPath, path: AnyPath) -> None:
        """Make `path` a symbolic link to `target`, a text that need not name anything. Errors: SYMLINK."""
        target, text = path_bytes(target, "target"), _absolute(path)
        place = self._place(text)
        self._decide(SYMLINK, text, Survey(self.tree, place=place, target=target))
        assert place.parent is not None, "decided"
        vfs.create_symlink(self.tree, place.parent.number, place.name, target, 0, 0)

    def link(self, old: AnyPath, new: AnyPath) -> None:
        """Give what `old` names (a symbolic link itself) one more name, `new`. Errors: LINK."""
        old_text, new_text = _absolute(old, "old"), _absolute(new, "new")
        found, place = self._walk(old_text, follow=False), self._place(new_text)
        survey = Survey(self.tree, found=found, place=place)
        self._decide(LINK, old_text if found.stops else new_text, survey, max(old_text, new_text, key=len))
        assert found.inode is not None, "decided"
        assert place.parent is not None, "decided"
        vfs.link(self.tree, place.parent.number, place.name, found.inode.number)

    def mknod(
        self,
        path: AnyPath,
        kind: str,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
        device: str | None = None,
    ) -> None:
        """Make a special file: `kind` "fifo", "socket", "chr" or "blk".

        `device` is what a chr or blk stands for; None: what its name says ("null"). Errors: MKNOD.
        """
        text, (mode, uid, gid) = _absolute(path), _checked(mode, uid, gid)
        if kind not in _SPECIAL:
            raise ValueError(f"kind: expected one of {', '.join(_SPECIAL)}, got {kind!r}")
        if device is not None and not isinstance(device, str):
            raise TypeError(f"device: expected a name such as 'null', got {device!r}")
        place = self._place(text)
        self._decide(MKNOD, text, Survey(self.tree, place=place))
        assert place.parent is not None, "decided"
        if device is None:
            device = _text(place.name) if kind in ("chr", "blk") else ""
        vfs.create_special(self.tree, place.parent.number, place.name, _SPECIAL[kind], mode, uid, gid, device)

    def unlink(self, path: AnyPath) -> None:
        """Take a name away from anything but a directory. Errors: UNLINK."""
        text = _absolute(path)
        found = self._place(text)
        self._decide(UNLINK, text, Survey(self.tree, found=found))
        assert found.parent is not None, "decided"
        vfs.unlink(self.tree, found.parent.number, found.name)

    def rmdir(self, path: AnyPath) -> None:
        """Remove an empty directory. Errors: RMDIR."""
        text = _absolute(path)
        found = self._place(text)
        self._decide(RMDIR, text, Survey(self.tree, found=found))
        assert found.parent is not None, "decided"
        vfs.rmdir(self.tree, found.parent.number, found.name)

    def chmod(self, path: AnyPath, mode: int) -> None:
        """Set the permission bits of what a path names, links followed. Errors: CHMOD."""
        mode = _check_mode(mode)
        self._to_change(CHMOD, path).mode = mode

    def chown(self, path: AnyPath, uid: int, gid: int) -> None:
        """Set the owner of what a path names, links followed; set-id bits stay. Errors: CHOWN."""
        _, uid, gid = _checked(0, uid, gid)
        inode = self._to_change(CHOWN, path)
        inode.uid, inode.gid = uid, gid

    def lchown(self, path: AnyPath, uid: int, gid: int) -> None:
        """Set the owner of what a path names, of a last symbolic link itself. Errors: LCHOWN."""
        _, uid, gid = _checked(0, uid, gid)
        inode = self._to_change(LCHOWN, path, follow=False)
        inode.uid, inode.gid = uid, gid

    def mount(
        self, path: AnyPath, nosuid: bool = False, noexec: bool = False, readonly: bool = False,
        nosymfollow: bool = False, foreign_ids: bool = False, silent: bool = False,
    ) -> None:  # fmt: skip
        """Put an empty file system on a directory; what was in it is out of reach. Errors: MOUNT.

        Its root directory is 0755 and belongs to 0, 0. `readonly` does not bind the builder;
        `nosymfollow`: no symbolic link there is followed, by nobody, which Linux has had since 5.10.
        `foreign_ids`: it is remote, and no table translates the ids of its files, so that AIX executes
        no set-id file of it. `silent`: it is an NFS file system, mounted soft, whose server answers
        nobody but the builder: a path that leads into it is ETIMEDOUT on AIX, EIO on Linux.
        """
        covered = self._find(MOUNT, path)
        vfs.mount(
            self.tree, covered.number, nosuid=nosuid, noexec=noexec, readonly=readonly, nosymfollow=nosymfollow,
            foreign_ids=foreign_ids, silent=silent,
        )  # fmt: skip

    def unmount(self, path: AnyPath) -> None:
        """Take the file system that is mounted on a directory away, by force. Errors: UNMOUNT.

        What it covered is there again. Who has his current directory in it gets on no more: a relative
        path is ESTALE on AIX, EIO on Linux.
        """
        vfs.unmount(self.tree, self._find(UNMOUNT, path).number)

    def open_for_write(self, path: AnyPath) -> OpenForWrite:
        """Hold an existing file open for writing, until closed. Errors: OPEN_FOR_WRITE."""
        return OpenForWrite(self.tree, self._find(OPEN_FOR_WRITE, path).number)

    def exists(self, path: AnyPath) -> bool:
        """Tell whether a path names something, links followed."""
        text = _absolute(path)
        return not LIMITS_NOW.too_long(text) and self._walk(text).inode is not None

    def stat(self, path: AnyPath) -> FileStatus:
        """Describe what a path names, links followed. Errors: STAT."""
        return _status(self._find(STAT, path))

    def lstat(self, path: AnyPath) -> FileStatus:
        """Describe what a path names, a last symbolic link itself. Errors: LSTAT."""
        return _status(self._find(LSTAT, path, follow=False))

    def readlink(self, path: AnyPath) -> str:
        """Give the text of a symbolic link. Errors: READLINK."""
        return _text(self._find(READLINK, path, follow=False).target)

    def listdir(self, path: AnyPath) -> list[str]:
        """List the names in a directory, sorted, without . and .. Errors: LISTDIR."""
        return [_text(name) for name in sorted(self._find(LISTDIR, path).entries or ())]

    # -- Shared steps -----------------------------------------------------------------------------

    def _walk(self, path: bytes, follow: bool = True) -> Walk:
        tree = self.tree
        return walk(tree, tree.root, path, ROOT, LIMITS_NOW, follow_last=follow, sectors=False)

    def _place(self, path: bytes) -> Walk:
        tree = self.tree
        return walk_to_make(tree, tree.root, path, ROOT, LIMITS_NOW, sectors=False)

    def _decide(self, errors: Errors, subject: bytes, survey: Survey, longest: bytes = b"") -> None:
        """Raise the first error that holds; `longest` of several paths, if it is not the subject."""
        survey.path = longest or subject
        row = errors.first(survey)
        if row is not None:
            raise make_error(errors, row, subject, self.system)

    def _find(self, errors: Errors, path: AnyPath, follow: bool = True) -> Inode:
        text = _absolute(path)
        found = self._walk(text, follow)
        self._decide(errors, text, Survey(self.tree, found=found))
        assert found.inode is not None, "decided"
        return found.inode

    def _to_change(self, errors: Errors, path: AnyPath, follow: bool = True) -> Inode:
        return self.tree.own(self._find(errors, path, follow).number)

    def _make_directory(self, path: bytes, ids: tuple[int, int, int]) -> None:
        place = self._place(path)
        self._decide(MKDIR, path, Survey(self.tree, place=place))
        assert place.parent is not None, "decided"
        vfs.create_directory(self.tree, place.parent.number, place.name, *ids)


def _checked(mode: int, uid: int, gid: int) -> tuple[int, int, int]:
    return _check_mode(mode), check_id("uid", uid), check_id("gid", gid)
