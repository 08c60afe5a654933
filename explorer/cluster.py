"""A function on the workers of a Dask cluster. Dask is imported here only, and late."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec


def on_dask(work: Callable, calls, address: str, patience: float) -> Iterator:
    """work(*call) for each call, as they come, from the workers of the scheduler at `address`, which has
    `patience` seconds to answer.

    What a worker that dies has not handed back is run again by another: that is the scheduler's work.

    Raises ValueError, in one sentence, where there is no scheduler, and RuntimeError where it is lost.
    """
    if find_spec("distributed") is None:
        raise ValueError("distributed is not installed here: pip install 'gate-explorer[sweep]', or leave --dask out")
    with _quiet():
        from dask.distributed import Client, as_completed

        _ask(address, patience)
        with Client(address, timeout=patience, set_as_default=False) as client:
            futures = client.map(work, *zip(*calls), retries=2, pure=False) if calls else []
            for _, found in as_completed(futures, loop=client.loop, with_results=True):
                if isinstance(found, BaseException):  # instead of a result, where the scheduler is gone
                    what = f"the Dask cluster at {address} was lost ({type(found).__name__})"
                    raise RuntimeError(f"{what}: start it, and try again")
                yield found


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask, asyncio and tornado log what is said here once, in a sentence."""
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


def _ask(address: str, patience: float) -> None:
    """Whether a scheduler answers; a Client would leave its own complaints behind where none does."""
    import asyncio

    from distributed.core import rpc
    from distributed.security import Security

    async def identity() -> str:
        how = Security().get_connection_args("client")
        async with rpc(address, timeout=patience, connection_args=how) as there:
            return (await there.identity())["type"]

    what = (
        f"no Dask scheduler answers at {address or repr(address)}: --dask takes one that runs, such as tcp://host:8786"
    )
    try:
        kind = asyncio.run(asyncio.wait_for(identity(), patience))
    except Exception as error:  # whatever the one who answers there has sent
        raise ValueError(f"{what} ({type(error).__name__})") from None
    if kind != "Scheduler":
        raise ValueError(f"{what} (a {kind} does)")
