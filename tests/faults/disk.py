"""A full disk under a running hub: no file of its process grows, whoever owns it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from tests.hub_process import HubProcess


@contextmanager
def full_disk(hub: HubProcess) -> Iterator[None]:
    """Every write past the first byte of any file fails (EFBIG, as ENOSPC would), the log's too, until the
    block ends.
    """
    soft, hard = resource.prlimit(hub.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, (soft, hard))
