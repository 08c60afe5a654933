"""The gradient laboratory: one file a question, of which only the one that is open costs anything."""

from explorer.ui import edge
from explorer.ui.laboratory import plane, reach, remedies, travel, vanish, why, wiring

DRAW = {
    "vanish": vanish.draw,
    "why": why.draw,
    "travel": travel.draw,
    "reach": reach.draw,
    "wiring": wiring.draw,
    "help": remedies.draw,
    "edge": edge.draw,
    "plane": plane.draw,
}
