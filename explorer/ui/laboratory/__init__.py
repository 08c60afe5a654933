"""The gradient laboratory: one file a question, of which only the one that is open costs anything."""

from explorer.ui import edge, state
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


def idle(ask: str) -> set[str]:
    """The settings above the figures on which nothing of this question depends."""
    experiment = state.experiment()
    other_cells = {"activation"} if experiment.cell != "rnn" else {"forget_bias"}
    match ask:
        case "vanish" | "travel":  # all activations side by side; an LSTM, which has no choice of one
            return {"activation"}
        case "reach" | "wiring" | "plane":
            return other_cells
        case "edge":
            return other_cells | {edge.swept(experiment)}
    return set()
