"""Turns itself into a server: leave root, tie the server's life to its parent's, exec.

Run as a script, with the standard library only: the interpreter and this file may lie where the
unprivileged account cannot read, so root is left here and not before. The process id stays.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def become(parent: int, death_signal: int, uid: int, gid: int, command: list[str]) -> None:
    """Replace this process by `command`, which gets `death_signal` as soon as `parent` ends."""
    if uid != os.geteuid():
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    # Changing the user clears this setting, so it comes last.
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise SystemExit("the process that asked for this server has ended")
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    PARENT, DEATH_SIGNAL, UID, GID = map(int, sys.argv[1:5])
    become(PARENT, DEATH_SIGNAL, UID, GID, sys.argv[5:])
