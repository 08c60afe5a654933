"""The recurrent cells, found by their files: a module of this folder with a `CELL` is a cell."""

import importlib
import pkgutil
from types import MappingProxyType

from explorer.cells.base import Cell

_found = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
_cells = (module.CELL for module in _found if hasattr(module, "CELL"))

CELLS: MappingProxyType[str, Cell] = MappingProxyType(
    {cell.name: cell for cell in sorted(_cells, key=lambda cell: len(cell.gates))}  # the simplest first
)
