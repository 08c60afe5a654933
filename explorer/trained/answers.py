"""What the trained networks answer, and everything that they did on the way: traces, and what entered and came out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from functools import cache
from types import SimpleNamespace

import numpy as np

from explorer import trained
from explorer.corpora import digits
from explorer.corpora.reviews import EXAMPLES, GRAMMARS, Review, language_of
from explorer.corpora.translation import CORPORA, DAYS, Corpus, Pairs, kind_of
from explorer.datasets.own import NotNumbers, read_numbers
from explorer.datasets.prices import table
from explorer.forms import FORMS
from explorer.numerals import as_fine
from explorer.trace import Trace
from explorer.trained.asking import Asked
from explorer.trained.backwards import Back, back_through, back_through_pair
from explorer.training.parts import Memory, recurrent, softmax
from explorer.training.translators import forced
from explorer.unroll import backprop

LARGEST = 1e30  # price
PIXELS = "0123456789abcdefg"


class Refused(ValueError):
    """Why there is no answer: `reason` names the sentence, `details` its numbers and pieces."""

    def __init__(self, reason: str, message: str, **details):
        super().__init__(message)
        self.reason, self.details = reason, details


@dataclass(frozen=True, eq=False)
class Part:
    """One network over time.

    enters   what goes in at each step, "" for nothing
    says     what comes out at each step, "" where it does not count
    back     its run, of sequence 1, as many steps as there are labels; and the gradient of what counts on its way back
    """

    enters: tuple[str, ...]
    says: tuple[str, ...]
    back: Back

    @property
    def trace(self) -> Trace:
        return self.back.trace


def _part(trace: Trace, enters: tuple[str, ...], says: tuple[str, ...]) -> Part:
    return Part(enters, says, back_through(trace, np.array([bool(said) for said in says])))


@dataclass(frozen=True, eq=False)
class Answered:
    """An answer in one of the forms.

    form     its name
    text     the answer in one line
    parts    one network, or an encoder and a decoder
    more     what only this form has
    """

    form: str
    text: str
    parts: tuple[Part, ...]
    more: dict = field(default_factory=dict)


def answer(asked: Asked, cell: str, language: str) -> Answered:
    """Raises Refused, a ValueError in one sentence, for what cannot be answered."""
    return {
        "sequence_to_sequence": _prices,
        "sequence_to_vector": _review,
        "vector_to_sequence": _digit,
        "encoder_decoder": _translation,
    }[asked.form](asked, cell, language)


def _prices(asked: Asked, cell: str, language: str) -> Answered:
    if asked.company == "own":
        try:
            prices = np.array(read_numbers(asked.prices, LARGEST))
        except NotNumbers as error:
            raise Refused(f"numbers_{error.reason}", str(error), **error.details) from None
        labels = tuple(str(day + 1) for day in range(len(prices)))
    else:
        weeks, companies, columns = table()
        prices, labels = columns[:, companies.index(asked.company)], weeks
    run = trained.load(asked.form, "prices", cell).run
    try:
        forecast = run.forecast(prices)
    except ValueError as error:
        raise Refused("series", str(error)) from None
    changes, unit = forecast.given.changes[:-1], forecast.given.unit
    said = tuple(as_fine(float(price), unit) for price in forecast.said)
    part = _part(
        forecast.memory.traces[0],
        tuple(f"{change:+.2f}".replace("-", "−") for change in changes),
        said,
    )
    return Answered(asked.form, said[-1], (part,), {"forecast": forecast, "labels": labels})


def in_words(text: str, grammar) -> tuple[str, ...]:
    """A text as the grammar's words: small letters, a full stop between clauses, other marks dropped."""
    text = re.sub(r"[.,;!?]+", " . " if grammar.language == "en" else " ", text.lower())
    words = text.replace("don't", "do not").replace("isn't", "is not").replace("n't", " not").split()
    while words and words[-1] == ".":
        words.pop()
    return tuple(words)


def _review(asked: Asked, cell: str, language: str) -> Answered:
    text = asked.review or EXAMPLES[language]
    spoken = language_of(text)
    grammar = GRAMMARS[spoken]
    words = in_words(text, grammar)
    known = tuple(word for word in words if word in grammar.words[1:])
    unknown = tuple(word for word in words if word not in known)
    if not words:
        raise Refused("empty", "expected a review of a few words, but it is empty")
    if not known:
        raise Refused(
            "unknown", f"none of these words was in any review: {', '.join(unknown)}", words=", ".join(unknown)
        )
    run = trained.load(asked.form, spoken, cell).run
    _, so_far, memory = run.judge([Review(known, 0)])
    scores = so_far[:, 0]
    part = _part(memory.traces[0], known, (*[""] * (len(known) - 1), f"{scores[-1]:.0f}"))
    more = {"scores": scores, "words": known, "unknown": unknown}
    return Answered(asked.form, f"{scores[-1]:.0f}", (part,), more)


def read_pixels(drawn: str) -> np.ndarray:
    """64 letters to 64 pixels from 0 to 1."""
    if len(drawn) != digits.SIDE**2 or set(drawn) - set(PIXELS) or set(drawn) == {"0"}:
        raise Refused("picture", "expected a drawing of 64 pixels, but it is none or empty")
    return np.array([PIXELS.index(letter) for letter in drawn]) / digits.FULL


def write_pixels(pixels: np.ndarray) -> str:
    """64 pixels from 0 to 1 to 64 letters."""
    return "".join(PIXELS[round(float(pixel) * digits.FULL)] for pixel in pixels)


def _digit(asked: Asked, cell: str, language: str) -> Answered:
    held_out, names = digits.pictures(held_out=True)
    pixels = read_pixels(asked.drawn) if asked.drawn else held_out[asked.digit - 1]
    run = trained.load(asked.form, "digits", cell).run
    both = [digits.LANGUAGES.index(language), 1 - digits.LANGUAGES.index(language)]
    words, logits, memory = run.spell(np.stack([pixels, pixels]), both)
    shares = softmax(logits[:, 0])
    letters = tuple(digits.shown(digits.LETTERS[symbol]) for symbol in shares.argmax(axis=1))
    trace = memory.traces[0]
    part = _part(trace, (f"{digits.SIDE}×{digits.SIDE}", *[""] * (digits.T - 1)), letters)
    truth = None if asked.drawn else digits.NAMES[language][names[asked.digit - 1]]
    more = {"pixels": pixels.reshape(digits.SIDE, -1), "other": words[1], "truth": truth, "shares": shares}
    return Answered(asked.form, words[0], (part,), more)


@cache
def _truths(corpus: str, most: int) -> dict[str, str]:
    return dict(CORPORA[corpus].pair(k) for k in range(most))


def truth(corpus: str, source: str) -> str | None:
    """The right translation, None for what the networks were not made for."""
    return _truths(corpus, DAYS if corpus == "dates" else 10_000).get(source)


@dataclass(frozen=True)
class _Filled(Corpus):
    """A corpus whose texts are all filled up to its longest, as they are in most batches of a training."""

    longest: int = 0

    def encode(self, pairs) -> Pairs:
        found = super().encode(pairs)
        filling = ((max(0, self.longest - len(found.source)), 0), (0, 0))
        return replace(found, source=np.pad(found.source, filling), real=np.pad(found.real, filling))


def filled(run) -> SimpleNamespace:
    """A run that reads a text as in training, where the encoder has run over the filling and has learnt to."""
    corpus, most = run.corpus, run.training.most or run.corpus.size
    longest = max(map(len, _truths(corpus.name, most)))
    settings = {f.name: getattr(corpus, f.name) for f in fields(corpus)}
    return SimpleNamespace(corpus=_Filled(**settings, longest=longest), model=run.model, weights=run.weights)


def _without_filling(run, memory: Memory, steps: int) -> Memory:
    """The last steps of what the encoder did, from the state that the filling before them has left."""
    (whole,) = memory.traces
    before = whole.T - steps
    state = [{q: layer[q][before - 1] for q in layer.cell.states} for layer in whole.layers] if before else None
    return run.model.encoder(run.weights, whole.layers[0].x[before:], state)[0]


def _translation(asked: Asked, cell: str, language: str) -> Answered:
    source = " ".join(asked.source.split())
    corpus = kind_of(source)
    right = truth(corpus, source)
    if right is None:
        raise Refused(
            "source", f"expected a number below 10,000 in Korean words, or a date, but got {source!r}", text=source
        )
    run = filled(trained.load(asked.form, "dates" if corpus == "dates" else asked.attention, cell).run)
    pairs = run.corpus.encode([(source, right)])
    if asked.teacher:
        helps = forced(np.random.default_rng(1), pairs.target.shape, asked.teacher / 100)
        said, target = run.model(run.weights, pairs.source, pairs.real, pairs.target, helps), pairs.target
    else:
        from explorer.training.beams import beam

        followed = beam(run, source, asked.beam)
        target = followed[0].symbols[:, None]
        said = run.model(run.weights, pairs.source, pairs.real, target, np.ones(target.shape, bool))
    names, steps = run.corpus.target, len(target)
    written = said.symbols if asked.teacher else target
    end = next((r for r in range(steps) if written[r, 0] == 0), steps - 1)
    says = tuple((names[symbol] or "□").replace(" ", "␣") for symbol in written[: end + 1, 0])
    entered = written if not asked.teacher else np.where(np.roll(helps, -1, axis=0), pairs.target, written)
    enters = ("▷", *((names[symbol] or "□").replace(" ", "␣") for symbol in entered[:end, 0]))
    weights = run.weights
    reading = _without_filling(run, said.encoder, len(source))
    writing, _ = run.model.decoder(weights, said.entered[: end + 1], reading.last)
    encoder, decoder = reading.traces[0], writing.traces[0]
    backs = back_through_pair(run.model, weights, said, pairs.real, encoder, decoder)
    parts = (
        Part(tuple(source.replace(" ", "␣")), ("",) * len(source), backs[0]),
        Part(enters, says, backs[1]),
    )
    shares = None if said.shares is None else said.shares[: end + 1, 0, -len(source) :]
    text = run.corpus.written(written[: end + 1])[0]
    others = [] if asked.teacher else [(run.corpus.written(one.symbols[:, None])[0], one.log) for one in followed]
    more = {"truth": right, "shares": shares, "attention": run.model.attention, "beam": others}
    return Answered(asked.form, text, parts, more)


def wirings(trace: Trace) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """{form: (‖∂L/∂h_t‖ (T,), the steps that count (T,) bool)} of one network with the same weights and input in all
    four forms. The loss is Σ h / √H at each step that counts.

    In vector → sequence only the first input enters; in the encoder–decoder the second half of the steps decodes, with
    the same weights, and what enters there is the input itself.
    """
    T, x = trace.T, trace.x
    found = {}
    for name, form in FORMS.items():
        first = T if len(form.stages) == 1 else max(1, T // 2)
        lengths = (first,) if len(form.stages) == 1 else (first, T - first)
        entering = np.concatenate([stage.entering(n) for stage, n in zip(form.stages, lengths)])
        counting = np.concatenate([stage.counting(n) for stage, n in zip(form.stages, lengths)])
        memory, _ = recurrent(trace.cell.name, [trace.params], np.where(entering[:, None, None], x, 0), **trace.options)
        dh = np.where(counting[:, None, None], trace.H**-0.5, 0.0) * np.ones((T, x.shape[1], trace.H))
        grads = backprop(memory.traces[0], dh.astype(x.dtype))
        found[name] = np.linalg.norm(grads.state["h"][:, 0].astype(float), axis=1), counting
    return found
