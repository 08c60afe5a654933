"""Networks that are trained already, one file each: what they are is `RECIPES`, and `train` makes them again.

A file is in the safetensors format: the weights by PyTorch's names as float16, and as metadata all settings of the
training and the scores on what was held out, measured with the very weights in the file.

The settings are the best of `CANDIDATES` on the part for validation, which no network is trained on: `choose` compares
them, and choice.txt beside the weights is what it found. What is held out is only scored, once, by a finished network.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from explorer.cells import CELLS
from explorer.check import known, shaped
from explorer.corpora.translation import DAYS
from explorer.forms import FORMS
from explorer.training.caption_runs import Captioning
from explorer.training.forecast_runs import Forecasting
from explorer.training.models import packed
from explorer.training.runs import Run
from explorer.training.saving import KINDS
from explorer.training.settings import Settings
from explorer.training.specification import Judging, Translating

FOLDER = Path(__file__).parent / "weights"
COMMON = {"dtype": "float32", "schedule": "cosine", "scheme": "xavier", "forget_bias": 1.0}
TRANSLATING = Translating(
    **COMMON, most=10_000, short=True, H=48, E=16, B=64, rate=0.01, updates=1000, teacher=1.0, attention="none"
)
JUDGING = Judging(**COMMON, H=16, B=32, rate=0.02, updates=3000)
CAPTIONING = Captioning(**COMMON, H=64, B=64, rate=0.005, updates=4000)
FORECASTING = Forecasting(**COMMON, H=16, B=32, rate=0.003, updates=50)

# What is shipped of each form, for every cell: {form: {variant: settings}}.
RECIPES: MappingProxyType[str, dict[str, Settings]] = MappingProxyType(
    {
        "sequence_to_sequence": {"prices": FORECASTING},
        "sequence_to_vector": {language: JUDGING.replace(language=language) for language in ("ko", "en")},
        "vector_to_sequence": {"digits": CAPTIONING},
        "encoder_decoder": {
            **{attention: TRANSLATING.replace(attention=attention) for attention in ("none", "additive", "dot")},
            "dates": TRANSLATING.replace(corpus="dates", most=DAYS, short=False, attention="additive"),
        },
    }
)

# What was tried for each form: changes of its recipe, of which the recipe has the first. What is not named here was
# settled before there was a part for validation.
CANDIDATES: MappingProxyType[str, tuple[dict, ...]] = MappingProxyType(
    {
        "sequence_to_sequence": ({"updates": 50}, {"updates": 150}, {"updates": 400}),
        "sequence_to_vector": (
            {"H": 16, "rate": 0.02, "updates": 3000},
            {"H": 24, "rate": 0.01, "updates": 3000},
            {"H": 24, "rate": 0.02, "updates": 1500},
        ),
        "vector_to_sequence": ({"updates": 4000}, {"updates": 2000}),
        "encoder_decoder": ({"rate": 0.01}, {"rate": 0.005}),
    }
)


def recipe(form: str, variant: str, cell: str) -> Settings:
    """The settings of one shipped network."""
    known(form, FORMS, "form"), known(cell, CELLS, "cell")
    return RECIPES[form][known(variant, RECIPES[form], f"variant of {form}")].replace(cell=cell)


def file(form: str, variant: str, cell: str) -> Path:
    """Where a shipped network lies."""
    return FOLDER / f"{form}_{variant}_{cell}.safetensors"


def start(settings: Settings) -> Run:
    """A run of these settings, not yet trained."""
    (run,) = (run for kind, run in KINDS.values() if kind is type(settings))
    return run(settings)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network.

    run      its run, the weights in it those of the file
    scores   {measure: what it reaches on what was held out}
    """

    run: Run
    scores: dict[str, float]


def rounded(vector: np.ndarray) -> np.ndarray:
    """As the file keeps the weights."""
    return vector.astype(np.float16).astype(vector.dtype)


def written(run: Run, scores: dict[str, float]) -> bytes:
    """A network as the bytes of its file."""
    from safetensors.numpy import save

    known_as = next(name for name, (kind, _) in KINDS.items() if kind is type(run.training))
    about = {"kind": known_as, "training": run.training.to_json(), "scores": json.dumps(scores)}
    return save({name: array.astype(np.float16) for name, array in run.weights.items()}, metadata=about)


@cache
def load(form: str, variant: str, cell: str) -> Trained:
    """A shipped network; the file is read once. Nobody may change its weights.

    It runs in float64, whatever it was trained in: what is shown of it is proved.

    Raises ValueError, in one sentence, for a file that is not what the recipes say.
    """
    from safetensors import SafetensorError, safe_open

    path = file(form, variant, cell)
    try:
        with safe_open(path, "numpy") as held:
            about, arrays = held.metadata(), {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path.name} cannot be read: {error}; train it again") from None
    settings, fallbacks = KINDS[about["kind"]][0].from_json(about["training"])
    if fallbacks:
        raise ValueError(f"{path.name}: its setting {fallbacks[0].name} is {fallbacks[0].given!r}; train it again")
    run = start(settings.replace(dtype="float64"))
    arrays = {name: shaped(arrays[name], shape, f"{name} in {path.name}") for name, shape in run.model.shapes.items()}
    run.vector = packed(arrays, run.model.shapes, run.vector.dtype)
    run.vector.flags.writeable = False
    return Trained(run, json.loads(about["scores"]))


def train(settings: Settings, told: Callable[[str], None] | None = None) -> Run:
    """Train a network, and round its weights as they are kept; what is told on the way is of the validation part."""
    run = start(settings)
    for record in run.advance():
        if told and record.update % max(1, settings.updates // 4) == 0:
            seen = in_words(run.measured(validation=True))
            told(f"  update {record.update}: loss {record.loss:.4f}, validation {seen}")
    run.vector = rounded(run.vector)
    return run


def in_words(scores: dict[str, float]) -> str:
    return ", ".join(f"{name} {score:.4g}" for name, score in scores.items())
