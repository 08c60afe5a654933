"""Both times of a training scrubbed together: training time, update by update, and sequence time, step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st

from explorer.figures.training_lines import over_steps, over_updates
from explorer.figures.training_maps import maps
from explorer.numerals import ten_to, text
from explorer.training import Training
from explorer.training.racing import Course, Picture, spacing
from explorer.ui import state
from explorer.ui.drawing import plain
from explorer.ui.language import current, say, speaker
from explorer.ui.training_view import exhibit, listed

NEWEST = 20_000  # the greatest update that a view may ask for


class Times:
    """One training with its pictures, the step t and the update: the newest, as long as nobody has gone back."""

    def __init__(self, found: Mapping[str, Course], training: Training):
        self.found, self.training, self.every = found, training, spacing(training)
        self.last = -(-training.updates // self.every) * self.every
        view = state.view(training.T)
        self.t, self.update = view.step, min(view.update, self.last)
        self.relative = st.session_state.get("relative", False)
        self.gates_of = self._chosen_gates()
        seen = {name: course.picture(self.update) for name, course in found.items()}
        self.now = {name: picture for name, picture in seen.items() if picture}
        self.after = max((picture.after for picture in self.now.values()), default=0)

    @property
    def gated(self) -> list[str]:
        """The networks that have gates."""
        return [name for name, course in self.found.items() if course.pictures and course.pictures[0].gates]

    def _chosen_gates(self) -> str | None:
        """The network whose gates are shown; the last one, unless another is chosen."""
        chosen = st.session_state.get("gates_of")
        return chosen if chosen in self.gated else self.gated[-1] if self.gated else None

    def go(self, step: int, update: int | None = None) -> None:
        """Take the cursor to a step, and to an update."""
        new = self.update if update is None else update
        state.look(step=step, update=NEWEST if new >= self.last else new)

    def reach(self, picture: Picture) -> np.ndarray:
        """log₁₀ of the gradient at each step, (T,); relative to the last step, if that is asked for."""
        row = picture.reach["h"]
        return row - row[-1] if self.relative else row

    def sliders(self) -> None:
        """One for each time, the network whose gates are shown, and what gradients are compared with."""
        one, other = st.columns(2)
        with one:
            bound = state.controlled_slider(
                f"scrub_update_{self.last}_{self.every}", self.update, lambda new: self.go(self.t, new)
            )
            st.slider(say("training.scrub_update"), 0, self.last, step=self.every, **bound)
        with other:
            bound = state.controlled_slider(f"scrub_step_{self.training.T}", self.t, self.go)
            st.slider(say("training.scrub_step"), 1, self.training.T, **bound)
        one, other = st.columns(2, vertical_alignment="bottom")
        with one:
            bound = state.controlled(f"relative_{current()}", self.relative, _remember("relative"))
            st.toggle(say("training.relative"), help=say("help.relative"), **bound)
        with other:
            if len(self.gated) > 1:
                key = f"gates_of_{current()}_{'_'.join(self.gated)}"
                st.segmented_control(
                    say("training.gates_of"),
                    self.gated,
                    format_func=lambda name: say(f"network.{name}"),
                    required=True,
                    **state.controlled(key, self.gates_of, _remember("gates_of")),
                )

    def gradient_map(self) -> None:
        """Update × step, a panel for each network."""
        rows = {name: [(p.after, self.reach(p)) for p in course.pictures] for name, course in self.found.items()}
        alt = say("training.map_alt", names=", ".join(say(f"network.{name}") for name in rows), T=self.training.T)
        self._map("gradient_map", rows, alt, say("training.gradient_map"))

    def gate_map(self) -> None:
        """Update × step, a panel for each gate of one network."""
        pictures, network = self.found[self.gates_of].pictures, say(f"network.{self.gates_of}")
        rows = {gate: [(p.after, p.gates[gate]) for p in pictures] for gate in pictures[0].gates}
        alt = say("training.gate_map_alt", names=", ".join(map(_symbol, rows)), network=network, T=self.training.T)
        self._map("gate_map", rows, alt, say("training.gate_map", network=network))

    def _map(self, name: str, rows, alt: str, title: str) -> None:
        figure = maps(rows, self.training.T, self.training.updates, self.every, speaker())
        cursor = (self.t, -(-self.update // self.every) * self.every)
        exhibit(name, figure, alt, self.training, title=title, caption=False, cursor=cursor, on_click=self.go)

    def gradient_steps(self) -> None:
        """The gradient at birth and after the chosen update, over the steps of a sequence."""
        births = {name: self.reach(course.pictures[0]) for name, course in self.found.items() if course.pictures}
        now = {name: self.reach(picture) for name, picture in self.now.items()}
        each = "; ".join(
            say("training.one_reach", network=say(f"network.{name}"), birth=_power(births[name], self.t), now=power)
            for name, power in ((name, _power(row, self.t)) for name, row in now.items())
        )
        alt = say("training.reach_sentence", t=self.t, update=self.after, reaches=each)
        figure = over_steps(now, self.training.T, self._kind, speaker(), births=births)
        self._cut("gradient_steps", figure, alt)

    def gate_steps(self) -> None:
        """The gates of one network at birth and after the chosen update, over the steps of a sequence."""
        first = self.found[self.gates_of].pictures[0]
        seen = self.now.get(self.gates_of, first)
        values = ", ".join(f"{_symbol(gate)} = {_value(row, self.t)}" for gate, row in seen.gates.items())
        network = say(f"network.{self.gates_of}")
        alt = say("training.gates_sentence", network=network, t=self.t, update=seen.after, values=values)
        self._cut("gate_steps", over_steps(seen.gates, self.training.T, "gate", speaker(), births=first.gates), alt)

    def _cut(self, name: str, figure: dict, alt: str) -> None:
        title = say(f"training.{name}")
        click = lambda step, _: self.go(step)  # noqa: E731
        exhibit(name, figure, alt, self.training, title=title, cursor=(self.t, 1), on_click=click)

    def gradient_updates(self) -> None:
        """The gradient at the chosen step, over the updates."""
        lines = {name: self._at_step(course, self.reach) for name, course in self.found.items()}
        self._over_updates("gradient_updates", lines, self._kind, listed(lines, ten_to))

    def gate_updates(self) -> None:
        """The gates of one network at the chosen step, over the updates."""
        course = self.found[self.gates_of]
        gates = course.pictures[0].gates
        lines = {gate: self._at_step(course, lambda p, gate=gate: p.gates[gate]) for gate in gates}
        ends = ", ".join(f"{_symbol(gate)} = {text(y[-1])}" for gate, (_, y) in lines.items() if len(y))
        self._over_updates("gate_updates", lines, "gate", ends)

    def _over_updates(self, name: str, lines, kind: str, ends: str) -> None:
        figure = over_updates(lines, self.training.updates, kind, speaker(), now=self.update)
        alt = say("training.updates_sentence", t=self.t, ends=ends or "–")
        exhibit(name, figure, alt, self.training, title=say(f"training.{name}", t=self.t))

    @property
    def _kind(self) -> str:
        return "gradient_relative" if self.relative else "gradient_log"

    def _at_step(self, course: Course, row_of: Callable[[Picture], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """(updates, values) of one step of the pictures, as far as their sequences reach it."""
        rows = [(picture.after, row_of(picture)) for picture in course.pictures]
        found = [(after, row[self.t - 1]) for after, row in rows if self.t <= len(row)]
        return np.array([after for after, _ in found]), np.array([value for _, value in found])


def _remember(name: str) -> Callable[[object], None]:
    """A choice that is no setting: it is kept for this visit."""

    def changed(new):
        st.session_state[name] = new
        state.touch()

    return changed


def _symbol(gate: str) -> str:
    return plain(say(f"symbol.{gate}"))


def _power(row: np.ndarray, t: int) -> str:
    return ten_to(row[t - 1]) if t <= len(row) else "–"


def _value(row: np.ndarray, t: int) -> str:
    return text(row[t - 1]) if t <= len(row) else "–"
