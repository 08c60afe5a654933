"""A training beside PyTorch's, step for step; paused, resumed, rewound, made harder, exploded."""

import io

import numpy as np
import pytest

from explorer.training import Training, TrainingRun, load, parts, rivals, save
from explorer.training.models import Reader, Stack, packed, views
from explorer.training.runs import LEARN, look
from explorer.training.tasks import TASKS
from tests.engine_cases import assert_close, every_case, network

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # more only wait for each other at these sizes

SMALL = Training(distance=6, H=6, B=4, updates=40)
# a training that learns in a second, and the score that it is known to reach
QUICK = Training(distance=10, cell="gru", H=16, B=16, updates=150, rate=0.01)


def torch_reader(run, truncate=0):
    """The same network in PyTorch, and (batch) -> its loss, the gradient cut off as it is cut here."""
    t, F = run.training, torch.nn.functional
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[t.cell]
    stack = kind(run.task.D, t.H, t.layers, **({"nonlinearity": t.activation} if t.cell == "rnn" else {})).double()
    readout = torch.nn.Linear(t.H, run.task.K).double()
    parameters = [*stack.parameters(), *readout.parameters()]
    with torch.no_grad():
        for parameter, array in zip(parameters, run.weights.values(), strict=True):
            parameter.copy_(torch.tensor(array))
    losses = {
        "cross_entropy": F.cross_entropy,
        "mse": lambda y, wanted: F.mse_loss(y[:, 0], wanted),
        "binary_cross_entropy": lambda y, wanted: F.binary_cross_entropy_with_logits(y[:, 0], wanted.double()),
    }

    def loss(batch):
        outputs, state = [], None
        for piece in torch.tensor(batch.x).split(truncate or len(batch.x)):
            h, state = stack(piece, state)
            state = tuple(part.detach() for part in state) if t.cell == "lstm" else state.detach()
            outputs.append(h)
        h = torch.cat(outputs)[torch.tensor(batch.scored)]
        return losses[run.task.loss](readout(h), torch.tensor(batch.wanted[batch.scored]))

    return parameters, loss


@pytest.mark.parametrize("task", TASKS)
def test_twenty_updates_are_pytorchs(task):
    run = TrainingRun(Training(task=task, distance=12, H=8, B=4, cell="gru", layers=2, clip_at=0.3, schedule="cosine"))
    parameters, loss = torch_reader(run)
    optimiser = torch.optim.Adam(parameters, run.training.rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, run.training.updates)
    for update in range(20):
        theirs = loss(run.task.batch([1, LEARN, update], 12, 4))
        optimiser.zero_grad()
        theirs.backward()
        length = torch.nn.utils.clip_grad_norm_(parameters, 0.3)
        optimiser.step()
        scheduler.step()
        record = run.step()
        assert record.loss == pytest.approx(theirs.item(), rel=1e-10)
        assert record.norm == pytest.approx(length.item(), rel=1e-9)
        for (name, ours), parameter in zip(run.weights.items(), parameters, strict=True):
            assert_close(ours, parameter.detach().numpy(), f"{name} after update {update + 1}", 1e-9)


@pytest.mark.parametrize("truncate", [1, 4, 5, 100])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_truncated_gradients_are_those_of_detached_states(cell, truncate):
    run = TrainingRun(Training(task="parity", distance=13, H=5, B=3, cell=cell, layers=2, truncate=truncate))
    batch = run.batch(0)
    parameters, loss = torch_reader(run, truncate)
    loss(batch).backward()
    gradient = look(run.model, run.weights, run.task, batch, truncate).gradient
    for name, parameter in zip(run.model.shapes, parameters, strict=True):
        assert_close(gradient[name], parameter.grad.numpy(), name, 1e-12)


def test_what_reaches_the_end_of_a_truncated_run_stays_in_its_last_piece():
    net = network("lstm", {}, T=10, layers=2)
    later = [{q: np.ones_like(rows) for q, rows in layer.items()} for layer in net.state]
    memory, back = parts.recurrent("lstm", net.params, net.x, net.state, truncate=4)
    whole = net.run()
    assert_close(memory.h, whole["h"], "h", 1e-14)
    assert [trace.T for trace in memory.traces] == [4, 4, 2]
    silent = back(np.zeros_like(memory.h), later)
    assert (silent.total("h")[:8] == 0).all() and (silent.total("h")[8:] != 0).all()
    assert all((rows == 0).all() for layer in silent.state for rows in layer.values())
    _, back_last = parts.recurrent("lstm", net.params, net.x[8:], [_state_at(layer, 7) for layer in whole.layers])
    alone = back_last(np.zeros_like(memory.h[8:]), later)
    for layer in (0, 1):
        assert_close(silent.layers[layer]["weight_hh"], alone.layers[layer]["weight_hh"], "weight_hh", 1e-12)
    assert_close(silent.x[8:], alone.x, "x", 1e-12)


def _state_at(trace, t):
    return {q: trace[q][t] for q in trace.cell.states}


def test_truncation_changes_the_gradient_and_not_the_answers():
    run = TrainingRun(Training(task="parity", distance=13, H=5, B=3, cell="rnn", gain=2))
    whole, cut = (look(run.model, run.weights, run.task, run.batch(0), truncate) for truncate in (0, 4))
    assert_close(cut.answers, whole.answers, "answers", 1e-13)
    assert np.abs(cut.gradient["weight_hh_l0"] - whole.gradient["weight_hh_l0"]).max() > 1e-4


@every_case
def test_the_gradient_of_a_whole_model_is_a_difference_quotient(cell, options):
    """Along random directions through all weights at once, for every cell and convention."""
    task = TASKS["parity"]
    model, batch, rng = (
        Reader(Stack(cell, task.D, 4, 2, options), task.K),
        task.batch(1, 6, 3),
        np.random.default_rng(0),
    )
    vector = rng.uniform(-0.7, 0.7, sum(np.prod(shape, dtype=int) for shape in model.shapes.values()))

    def loss(at):
        return look(model, views(at, model.shapes), task, batch).loss

    gradient = packed(look(model, views(vector, model.shapes), task, batch).gradient, model.shapes, float)
    for _ in range(6):
        way = rng.standard_normal(vector.size)
        slope = (loss(vector + 1e-5 * way) - loss(vector - 1e-5 * way)) / 2e-5
        assert gradient @ way == pytest.approx(slope, rel=1e-6, abs=1e-9)


def same(one: TrainingRun, other: TrainingRun) -> bool:
    """Bit by bit."""
    return (
        one.training == other.training
        and (one.count, one.distance, one.exploded) == (other.count, other.distance, other.exploded)
        and one.vector.tobytes() == other.vector.tobytes()
        and all(one.memory[name].tobytes() == other.memory[name].tobytes() for name in one.memory)
        and all(np.array_equal(one.history[n], other.history[n], equal_nan=True) for n in ("loss", "score", "norm"))
        and len(one.history.pictures) == len(other.history.pictures)
        and np.array_equal(one.history.reach(), other.history.reach(), equal_nan=True)
    )


def advanced(training, updates) -> TrainingRun:
    run = TrainingRun(training)
    for _ in run.advance(updates):
        pass
    return run


@pytest.mark.parametrize("optimiser", ["momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("harder", [False, True])
def test_a_run_taken_up_again_goes_on_bit_by_bit(optimiser, harder):
    training = SMALL.replace(
        task="anbn", optimiser=optimiser, harder=harder, dtype="float32", schedule="warmup", rate=0.02
    )
    through, paused = advanced(training, 30), advanced(training, 11)
    resumed = load(save(paused))
    assert same(paused, resumed) and not same(paused, through)
    for _ in resumed.advance(19):
        pass
    assert same(through, resumed)
    assert same(through, load(save(through)))


def test_the_same_seeds_are_the_same_training_and_others_are_not():
    assert same(advanced(SMALL, 5), advanced(SMALL, 5))
    for change in ({"seed": 2}, {"data_seed": 2}):
        assert not np.array_equal(advanced(SMALL, 5).vector, advanced(SMALL.replace(**change), 5).vector)


def test_rewinding_leads_to_the_same_weights_and_the_same_way():
    run = advanced(SMALL, 12)
    run.rewind()
    assert same(run, TrainingRun(SMALL)) and run.vector.tobytes() == SMALL.draw().tobytes()
    for _ in run.advance(12):
        pass
    assert same(run, advanced(SMALL, 12))


def test_rivals_see_the_same_batches():
    runs = [TrainingRun(training) for training in rivals(SMALL).values()]
    assert [(run.training.cell, run.training.activation) for run in runs][:3] == [
        ("rnn", activation) for activation in ("tanh", "relu", "sigmoid")
    ]
    assert {run.training.cell for run in runs} == {"rnn", "gru", "lstm"}
    assert len({run.batch(3).x.tobytes() for run in runs}) == 1
    assert len({run.batch(update).x.tobytes() for run in runs for update in range(5)}) == 5


def test_a_training_reaches_its_goal():
    run = advanced(QUICK, None)
    assert run.learnt < 120
    assert run.score() == 1 and run.history["loss"][-1] < 0.05
    assert run.history["loss"][0] == pytest.approx(run.task.guess_loss(10), rel=0.2)


@pytest.mark.parametrize("broken", ["backwards in time", "no gradient of weight_hh", "wrong sign"])
def test_it_does_not_with_a_broken_gradient(monkeypatch, broken):
    sound = parts.backprop

    def backprop(trace, dh, later=None):
        grads = sound(trace, dh[::-1] if broken == "backwards in time" else dh, later)
        wrong = {"no gradient of weight_hh": ("weight_hh", "weight_ih"), "wrong sign": tuple(grads.params)}
        for name in wrong.get(broken, ()):
            array = grads.params[name]
            array.flags.writeable = True
            array *= -1 if broken == "wrong sign" else 0
        return grads

    monkeypatch.setattr(parts, "backprop", backprop)
    assert advanced(QUICK, None).score() < 0.8


def test_a_gradient_cut_off_before_the_symbol_learns_nothing():
    assert advanced(QUICK.replace(truncate=5), None).score() < 0.5


def test_probes_are_never_trained_on():
    run = TrainingRun(SMALL)
    seen = {run.batch(update).x[1:].tobytes() for update in range(run.training.updates)}
    assert run.probe(B=4).x[1:].tobytes() not in seen


def test_scores_in_parts_are_those_of_the_whole(monkeypatch):
    for task in ("recall", "anbn"):
        run = advanced(SMALL.replace(task=task), 20)
        whole = run.score(9, 50)
        monkeypatch.setattr("explorer.training.runs.VOLUME", 1000)
        assert run.score(9, 50) == whole
        monkeypatch.undo()


def test_harder_goes_on_when_the_task_is_learnt():
    run = TrainingRun(QUICK.replace(distance=4, harder=True))
    distances = [record.distance for record in run.advance()]
    assert distances[0] == 1 and distances[-1] == 4 and sorted(distances) == distances
    for distance in (1, 2, 3):
        last = len(distances) - distances[::-1].index(distance)
        assert run.history["score"][last - 20 : last].mean() >= 0.99
        assert distances[last - 20 : last] == [distance] * 20
    reach = run.history.reach()
    assert reach.shape == (150, 5) and np.isnan(reach[0, :3]).all() and np.isfinite(reach[-1]).all()


def test_an_explosion_ends_the_run_and_keeps_the_last_good_weights():
    run = TrainingRun(Training(cell="rnn", activation="relu", gain=4, distance=400, B=2, dtype="float32"))
    start = run.vector.copy()
    (record,) = run.advance()
    assert record.exploded and run.exploded and run.finished and np.isnan(record.loss)
    assert np.array_equal(run.vector, start)
    with pytest.raises(ValueError, match="it has exploded: rewind it"):
        run.step()
    assert same(run, load(save(run)))


def test_a_finished_run_says_so():
    run = advanced(SMALL.replace(updates=2), None)
    assert run.finished and len(run.history) == 2
    with pytest.raises(ValueError, match="all 2 updates are made"):
        run.step()


def test_pictures_stay_few_and_evenly_spread():
    run = advanced(Training(distance=1, H=1, B=1, updates=600), None)
    updates = [kept.update for kept in run.history.pictures]
    assert run.history.every == 4 and updates == list(range(1, 601, 4))
    assert run.history.reach("c").shape == (150, 2) and run.history.gates("f").shape == (150, 1)
    assert len(run.history["loss"]) == 600


def test_reach_and_gates_are_those_of_the_batch():
    run = TrainingRun(SMALL)
    batch = run.batch(0)
    seen = look(run.model, run.weights, run.task, batch)
    (grads,), (trace,) = seen.reached.grads, seen.memory.traces
    record = run.step()
    for q in ("h", "c"):
        assert_close(10 ** record.reach[q], np.sqrt((grads.state[q] ** 2).sum(axis=(1, 2))), q, 1e-12)
    assert set(record.gates) == set("ifgo")
    assert_close(record.gates["f"], trace["f"].mean(axis=(0, 1)), "f", 1e-12)


def test_the_gradient_at_birth_goes_on_where_floats_end():
    run = TrainingRun(Training(cell="rnn", activation="sigmoid", distance=400, gain=0.1, dtype="float32", B=2, H=8))
    reach = run.reach()["h"]
    assert reach.shape == (401,) and np.isfinite(reach).all() and reach[0] < -350
    short = TrainingRun(SMALL)
    probe = short.probe()
    (grads,) = look(short.model, short.weights, short.task, probe).reached.grads
    for q in ("h", "c"):
        wanted = np.log10(np.sqrt((grads.state[q] ** 2).sum(axis=(1, 2))))
        assert_close(short.reach()[q], wanted, q, 1e-12)
    for _ in short.advance(30):
        pass
    assert np.array_equal(short.reach(short.birth)["h"], TrainingRun(SMALL).reach()["h"])
    assert not np.allclose(short.reach(short.birth)["h"], short.reach()["h"])


def spoiled(**arrays) -> bytes:
    file = io.BytesIO()
    with np.load(io.BytesIO(save(advanced(SMALL, 3)))) as kept:
        np.savez(file, **({name: kept[name] for name in kept.files} | arrays))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        save(advanced(SMALL, 3))[:-100],
        spoiled(weights=np.zeros(3)),
        spoiled(weights=np.full(SMALL.draw().size, np.nan)),
        spoiled(weights=SMALL.draw().astype("float32")),
        spoiled(state=np.frombuffer(b"{}", np.uint8)),
        spoiled(state=np.frombuffer(b"[1]", np.uint8)),
        spoiled(**{"history.loss": np.zeros(50)}),
        spoiled(zeros=np.zeros(10**7)),
    ],
)
def test_what_is_no_saved_training_is_answered_in_one_sentence(data):
    with pytest.raises(ValueError, match="expected a saved training, but it cannot be read: "):
        load(data)
