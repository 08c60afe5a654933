"""`Training`: everything that a training depends on, in one frozen, validated, bounded value.

What it shares with an `Experiment`, the cell and how its weights are drawn, has the same names, bounds and URL keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import replace as replaced

from explorer.cells import CELLS
from explorer.experiment import KINDS as SHARED
from explorer.experiment import Choice, Fallback, Number, Switch, setting
from explorer.training.models import Reader, Stack
from explorer.training.optimisers import CLIPPING, OPTIMISERS, SCHEDULES, Optimiser
from explorer.training.tasks import TASKS, Task

VOLUME = 500_000  # the most that T · B · H · layers may be: a step then takes about a second, and 150 MB
TO_SHRINK = ("distance", "B", "H", "layers")  # what a link that asks for more falls back in, one after the other


@dataclass(frozen=True)
class Training:
    """One training of one network, completely described.

    task, distance        what is learnt, and over how many steps (see `explorer.training.tasks`)
    harder                begin at the least distance, and go on to a greater one each time the task is learnt
    cell, activation, reset_after, z_keeps, H, layers   the network
    scheme, gain, forget_bias, chrono, seed   how its weights are drawn (see `init_params`); chrono takes T
    optimiser, rate, momentum   "sgd", "momentum", "nesterov", "rmsprop", "adam"; momentum is of those two
    schedule, updates     how the rate changes over the updates planned (see `optimisers.SCHEDULES`)
    clip, clip_at         "norm", "value" or "none", and the most that is left of the gradient
    truncate              truncated backpropagation: the gradient goes back within stretches of so many steps; 0 is all
    B, data_seed          sequences an update, the seed of the batches: batch n is the same for every network
    dtype                 "float64" or "float32", which is faster and loses gradients below 1e-38

    Raises ValueError, in one sentence, for a value out of its bounds; `from_query` and `from_json` fall back
    to the default instead and say so.
    """

    task: str = setting("recall", Choice("task", tuple(TASKS)))
    distance: int = setting(None, Number("distance", 1, 400))  # None: the task's usual one
    harder: bool = setting(False, Switch("harder"))
    cell: str = setting("lstm", SHARED["cell"])
    activation: str = setting("tanh", SHARED["activation"])
    reset_after: bool = setting(True, SHARED["reset_after"])
    z_keeps: bool = setting(True, SHARED["z_keeps"])
    H: int = setting(32, SHARED["H"])
    layers: int = setting(1, SHARED["layers"])
    scheme: str = setting("pytorch", SHARED["scheme"])
    gain: float = setting(1.0, SHARED["gain"])
    forget_bias: float = setting(3.0, SHARED["forget_bias"])
    chrono: bool = setting(False, SHARED["chrono"])
    seed: int = setting(1, SHARED["seed"])
    optimiser: str = setting("adam", Choice("optimiser", tuple(OPTIMISERS)))
    rate: float = setting(0.005, Number("rate", 1e-5, 10.0, 1e-5))
    momentum: float = setting(0.9, Number("momentum", 0.0, 0.999, 0.001))
    schedule: str = setting("constant", Choice("schedule", tuple(SCHEDULES)))
    updates: int = setting(1000, Number("updates", 1, 20_000))
    clip: str = setting("norm", Choice("clip", tuple(CLIPPING)))
    clip_at: float = setting(1.0, Number("clip_at", 0.001, 100.0, 0.001))
    truncate: int = setting(0, Number("truncate", 0, 400))
    B: int = setting(32, Number("batch", 1, 128))
    data_seed: int = setting(1, Number("data_seed", 0, 9999))
    dtype: str = setting("float64", Choice("dtype", ("float64", "float32")))

    def __post_init__(self):
        for name, kind in KINDS.items():
            if name == "distance" and self.distance is None:
                continue
            try:
                object.__setattr__(self, name, kind.read(getattr(self, name)))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        low, high, usual = TASKS[self.task].distances
        if self.distance is None:
            object.__setattr__(self, "distance", usual)
        if not low <= self.distance <= high:
            raise ValueError(f"distance: expected {low} to {high} with {self.task}, but got {self.distance}")
        if self.volume > VOLUME:
            raise ValueError(
                f"T · B · H · layers may be at most {VOLUME}, but is {self.volume}: take a smaller distance, B or H"
            )

    def replace(self, **changes) -> Training:
        """The training with some settings changed; another task brings its usual distance."""
        if changes.get("task", self.task) != self.task:
            changes.setdefault("distance", None)
        return replaced(self, **changes)

    def with_room(self, **changes) -> tuple[Training, tuple[Fallback, ...]]:
        """As `replace`; if there is no room for the distance beside the new settings, the greatest that has."""
        usual = TASKS[changes.get("task", self.task)].distances
        same = changes.get("task", self.task) == self.task
        wanted = changes.get("distance") or (self.distance if same else usual[2])
        small = self.replace(**changes | {"distance": usual[0]})
        distance = min(wanted, small.farthest())
        left = () if distance == wanted else (Fallback("distance", str(wanted), str(distance)),)
        return small.replace(distance=distance), left

    def farthest(self, volume: int = VOLUME) -> int:
        """The greatest distance for which there is room beside the other settings."""
        low, high, _ = self.of.distances
        a_step = self.B * self.H * self.layers
        return max([low, *(d for d in range(low, high + 1) if self.of.steps(d) * a_step <= volume)])

    @property
    def of(self) -> Task:
        """The task itself."""
        return TASKS[self.task]

    @property
    def T(self) -> int:
        """The steps of a sequence at the full distance."""
        return self.of.steps(self.distance)

    @property
    def volume(self) -> int:
        """How large an update is."""
        return self.T * self.B * self.H * self.layers

    @property
    def rule(self) -> Optimiser:
        """The optimiser itself."""
        return OPTIMISERS[self.optimiser](self.momentum)

    @property
    def model(self) -> Reader:
        """The network, without weights."""
        options = {name: getattr(self, name) for name in CELLS[self.cell].options}
        return Reader(Stack(self.cell, self.of.D, self.H, self.layers, options), self.of.K)

    def draw(self):
        """The weights to start from, one vector."""
        keeps = CELLS[self.cell].keep is not None
        return self.model.draw(
            self.seed,
            self.dtype,
            scheme=self.scheme,
            gain=self.gain,
            forget_bias=self.forget_bias if keeps and not self.chrono else 0.0,
            chrono=max(3, self.T) if keeps and self.chrono else None,
        )

    def to_query(self) -> dict[str, str]:
        """The settings that differ from the default, as URL query parameters."""
        usual = Training(task=self.task).__dict__ | {"task": Training.task}
        return {
            kind.key: kind.write(getattr(self, name))
            for name, kind in KINDS.items()
            if getattr(self, name) != usual[name]
        }

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Training, tuple[Fallback, ...]]:
        """The training of a URL, and what in it could not be had. Parameters of other parts are ignored."""
        return _read({name: query[kind.key] for name, kind in KINDS.items() if kind.key in query})

    def to_json(self) -> str:
        """All settings as a JSON object."""
        return json.dumps({name: getattr(self, name) for name in KINDS}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> tuple[Training, tuple[Fallback, ...]]:
        """The training of a JSON object, and what in it could not be had.

        Raises ValueError if the text is no JSON object.
        """
        try:
            settings = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"expected a JSON object of settings, but it cannot be read: {error}") from None
        if not isinstance(settings, dict):
            raise ValueError(f"expected a JSON object of settings, but got a {type(settings).__name__}")
        return _read(settings)


KINDS = {f.name: f.metadata["kind"] for f in fields(Training)}


def _read(settings: Mapping) -> tuple[Training, tuple[Fallback, ...]]:
    """Take each setting by itself, so that one bad value costs only itself."""
    good, refused = {}, {}
    for name, given in settings.items():
        try:
            good[name] = KINDS[name].read(given)
        except (KeyError, ValueError):
            refused[name] = given
    low, high, usual = TASKS[good.get("task", Training.task)].distances
    if not low <= good.get("distance", usual) <= high:
        refused["distance"] = good.pop("distance")
    while True:
        try:
            training = Training(**good)
            break
        except ValueError:  # too large as a whole
            name = next(name for name in TO_SHRINK if name in good)
            refused[name] = good.pop(name)
    fallbacks = (
        Fallback(name, str(given)[:40], KINDS[name].write(getattr(training, name)) if name in KINDS else "")
        for name, given in refused.items()
    )
    return training, tuple(fallbacks)


def rivals(training: Training) -> dict[str, Training]:
    """The same task, batches, sizes and seed for every kind of network, {name: training}."""
    rnns = {
        f"rnn_{activation}": training.replace(cell="rnn", activation=activation)
        for activation in CELLS["rnn"].options["activation"]
    }
    return rnns | {name: training.replace(cell=name) for name in CELLS if name != "rnn"}
