"""A worker of `loyalty serve`: the same application, in a process that ends with its parent.

Without that, workers of a killed service would keep the port and answer without a database.
"""

import ctypes
import os
import signal

from wsgi import app

__all__ = ["app"]

PR_SET_PDEATHSIG = 1
if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
    raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
if os.getppid() != int(os.environ["SERVED_BY"]):
    raise SystemExit("the service that asked for this worker has ended")
