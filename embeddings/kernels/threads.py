"""One thread for many small matrix products: with several, each product waits for a thread that the machine has given to somebody else."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """numpy's matrix products on one thread inside the context; what stood before comes back."""
    limit: AbstractContextManager[object] = _pools().limit(limits=1)
    return limit


@cache
def _pools() -> ThreadpoolController:
    return ThreadpoolController()
