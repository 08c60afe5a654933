"""What every training has in common: a network, an optimiser, seeds, bounds, and a way into a URL and a file.

What is shared with an `Experiment`, the cell and how its weights are drawn, has the same names, bounds and URL keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import replace as replaced
from typing import ClassVar, Self

from explorer.cells import CELLS
from explorer.experiment import KINDS as SHARED
from explorer.experiment import Fallback
from explorer.settings import Choice, Number, setting
from explorer.training.optimisers import CLIPPING, OPTIMISERS, SCHEDULES, Optimiser


@dataclass(frozen=True)
class Settings:
    """The settings of every training; `Training` and `Translating` say what is learnt.

    cell, activation, reset_after, z_keeps, H, layers   the network
    scheme, gain, forget_bias, chrono, seed   how its weights are drawn (see `init_params`); chrono takes T
    optimiser, rate, momentum   "sgd", "momentum", "nesterov", "rmsprop", "adam"; momentum is of those two
    schedule, updates     how the rate changes over the updates planned (see `optimisers.SCHEDULES`)
    clip, clip_at         "norm", "value" or "none", and the most that is left of the gradient
    B, data_seed          sequences an update, the seed of the batches: batch n is the same for every network
    dtype                 "float64" or "float32", which is faster and loses gradients below 1e-38

    Raises ValueError, in one sentence, for a value out of its bounds; `from_query` and `from_json` fall back
    to the default instead and say so.
    """

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
    B: int = setting(32, Number("batch", 1, 128))
    data_seed: int = setting(1, Number("data_seed", 0, 9999))
    dtype: str = setting("float64", Choice("dtype", ("float64", "float32")))

    to_shrink: ClassVar[tuple[str, ...]] = ("B", "H", "layers")  # what an address falls back in that asks for too much

    def __post_init__(self):
        for name, kind in self.kinds().items():
            given = getattr(self, name)
            try:
                value = kind.read(self.usual(name) if given is None else given)
                object.__setattr__(self, name, value)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        self.check()

    def usual(self, name: str):
        """What a setting is that is left at None, as it depends on those before it; None if it may not be."""

    def check(self) -> None:
        """Raise ValueError if the settings are good one by one, but not together."""

    @classmethod
    def kinds(cls) -> dict:
        """{setting: its kind}."""
        return {f.name: f.metadata["kind"] for f in fields(cls)}

    def replace(self, **changes) -> Self:
        """The same with some settings changed."""
        return replaced(self, **changes)

    @property
    def rule(self) -> Optimiser:
        """The optimiser itself."""
        return OPTIMISERS[self.optimiser](self.momentum)

    @property
    def conventions(self) -> dict:
        """Those of the cell."""
        return {name: getattr(self, name) for name in CELLS[self.cell].options}

    def draw_weights(self, model, T: int):
        """The weights to start from, one vector, for sequences of T steps."""
        keeps = CELLS[self.cell].keep is not None
        return model.draw(
            self.seed,
            self.dtype,
            scheme=self.scheme,
            gain=self.gain,
            forget_bias=self.forget_bias if keeps and not self.chrono else 0.0,
            chrono=max(3, T) if keeps and self.chrono else None,
        )

    def to_query(self) -> dict[str, str]:
        """The settings that differ from the default, as URL query parameters."""
        usual = {f.name: self.usual(f.name) if f.default is None else f.default for f in fields(self)}
        return {
            kind.key: kind.write(getattr(self, name))
            for name, kind in self.kinds().items()
            if getattr(self, name) != usual[name]
        }

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Self, tuple[Fallback, ...]]:
        """The training of a URL, and what in it could not be had. Parameters of other parts are ignored."""
        return cls._read({name: query[kind.key] for name, kind in cls.kinds().items() if kind.key in query})

    def to_json(self) -> str:
        """All settings as a JSON object."""
        return json.dumps({name: getattr(self, name) for name in self.kinds()}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> tuple[Self, tuple[Fallback, ...]]:
        """The training of a JSON object, and what in it could not be had.

        Raises ValueError if the text is no JSON object.
        """
        try:
            settings = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"expected a JSON object of settings, but it cannot be read: {error}") from None
        if not isinstance(settings, dict):
            raise ValueError(f"expected a JSON object of settings, but got a {type(settings).__name__}")
        return cls._read(settings)

    @classmethod
    def _read(cls, settings: Mapping) -> tuple[Self, tuple[Fallback, ...]]:
        """Take each setting by itself, so that one bad value costs only itself."""
        kinds, good, refused = cls.kinds(), {}, {}
        for name, given in settings.items():
            try:
                good[name] = kinds[name].read(given)
            except (KeyError, ValueError):
                refused[name] = given
        while True:
            try:
                training = cls(**good)
                break
            except ValueError:  # good one by one, but not together
                name = next(name for name in cls.to_shrink if name in good)
                refused[name] = settings[name]
                del good[name]
        fallbacks = (
            Fallback(name, str(given)[:40], kinds[name].write(getattr(training, name)) if name in kinds else "")
            for name, given in refused.items()
        )
        return training, tuple(fallbacks)
