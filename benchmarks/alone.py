"""One thread, one core, and for each library the kernels that it picks itself. Import this before NumPy."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
os.environ |= {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "PYTHONPATH": str(ROOT),
}
for choice in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # some machines slow NumPy's BLAS down by them, and no other
    os.environ.pop(choice, None)
sys.path.insert(0, str(ROOT))


def one_core() -> None:
    """This process and those it starts stay on one core, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
