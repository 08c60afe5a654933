"""Inputs worth watching, found by their files: a module of this folder with a `DATASET` offers one or more."""

import importlib
import pkgutil
from types import MappingProxyType

from explorer.datasets.base import Dataset, Input

_modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
_offered = (getattr(module, "DATASET", ()) for module in _modules)

DATASETS: MappingProxyType[str, Dataset] = MappingProxyType(
    {dataset.name: dataset for offer in _offered for dataset in (offer if isinstance(offer, tuple) else (offer,))}
)

__all__ = ["DATASETS", "Dataset", "Input"]
