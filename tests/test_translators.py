"""The encoder–decoder, its gradients by difference quotients and beside PyTorch's autograd, and the four forms."""

import numpy as np
import pytest

from explorer.forms import FORMS, Stage
from explorer.training import TASKS
from explorer.training.losses import cross_entropy
from explorer.training.models import Reader, Stack, packed, views
from explorer.training.optimisers import Adam, blank_memory, clip_by_norm
from explorer.training.translators import ATTENTION, EncoderDecoder, forced
from tests.engine_cases import CASES, assert_close, over

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

S, K, B, STEPS, R = 5, 4, 3, 6, 4
every_attention = pytest.mark.parametrize("attention", ATTENTION)


def problem(attention, cell="gru", layers=1, options=None, seed=0):
    """A small model with lively weights, and what it reads; the second source is two steps shorter."""
    model, rng = EncoderDecoder(cell, S, K, 3, 4, layers, attention, options or {}), np.random.default_rng(seed)
    vector = rng.uniform(-1, 1, sum(np.prod(shape, dtype=int) for shape in model.shapes.values()))
    source, target = rng.integers(S, size=(STEPS, B)), rng.integers(K, size=(R, B))
    real = np.arange(STEPS)[:, None] >= np.array([0, 2, 0])
    return model, vector, source, real, target


def costs(model, vector, source, real, target, teacher):
    said = model(views(vector, model.shapes), source, real, target, teacher)
    loss, slope = cross_entropy(said.logits.reshape(-1, K), target.reshape(-1))
    return loss, said, slope.reshape(said.logits.shape)


SHARES = {"always": 1.0, "half": 0.5, "never": 0.0}


@pytest.mark.parametrize("share", SHARES)
@every_attention
@over(CASES)
def test_gradients_are_difference_quotients(cell, options, attention, share):
    """Along random directions through all weights; its own symbols must stay the same, as their choice has no slope."""
    args = problem(attention, cell, 2, options)
    model, vector, *rest = args
    teacher = forced(np.random.default_rng(3), (R, B), SHARES[share])
    _, said, slope = costs(*args, teacher)
    gradient, rng = packed(said.back(slope)[0], model.shapes, float), np.random.default_rng(1)
    for _ in range(3):
        way = rng.standard_normal(vector.size)
        up, down = (costs(model, vector + by * way, *rest, teacher) for by in (1e-6, -1e-6))
        assert np.array_equal(up[1].symbols, said.symbols) and np.array_equal(down[1].symbols, said.symbols)
        assert gradient @ way == pytest.approx((up[0] - down[0]) / 2e-6, rel=1e-5, abs=1e-8)


def in_torch(model, weights, source, real, target, teacher):
    """The same, written out with torch's cells and einsum-free matrices; returns logits and leaves by name."""
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
    H, kind = model.H, {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[model.cell]

    def cell(stack, x, state):
        own = {name: leaves[f"{stack}.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        made = torch.func.functional_call(kind(x.shape[1], H).double(), own, (x, state))
        return made, (made[0] if model.cell == "lstm" else made)

    zero = torch.zeros(source.shape[1], H, dtype=torch.double)
    state, states = ((zero, zero) if model.cell == "lstm" else zero), []
    for symbols in source:
        state, h = cell("encoder", leaves["source.weight"][torch.tensor(symbols)], state)
        states.append(h)
    values, mask = torch.stack(states, dim=1), torch.tensor(real.T)  # (B, S, H)
    h, symbol, logits = states[-1], torch.full((source.shape[1],), model.K), []

    def look(scores):
        shares = torch.softmax(scores.masked_fill(~mask, -torch.inf), dim=1)
        return (shares[:, :, None] * values).sum(dim=1)

    for r in range(len(target)):
        x = leaves["target.weight"][symbol]
        if model.attention == "additive":
            keys = values @ leaves["key.weight"].T + leaves["key.bias"]
            bent = torch.tanh((h @ leaves["query.weight"].T)[:, None] + keys)
            x = torch.cat([x, look(bent @ leaves["score.weight"])], dim=1)
        state, h = cell("decoder", x, state)
        read = h
        if model.attention == "dot":
            seen = look((values * h[:, None]).sum(dim=2))
            read = torch.tanh(torch.cat([h, seen], dim=1) @ leaves["join.weight"].T + leaves["join.bias"])
        logits.append(read @ leaves["readout.weight"].T + leaves["readout.bias"])
        if r + 1 < len(target):
            by_teacher = torch.tensor(teacher[r + 1])
            symbol = torch.where(by_teacher, torch.tensor(target[r]), logits[-1].argmax(dim=1))
    return torch.stack(logits), leaves


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@every_attention
def test_logits_and_gradients_are_pytorchs(cell, attention, share):
    model, vector, source, real, target = problem(attention, cell, seed=4)
    teacher = forced(np.random.default_rng(3), (R, B), SHARES[share])
    _, said, slope = costs(model, vector, source, real, target, teacher)
    logits, leaves = in_torch(model, views(vector, model.shapes), source, real, target, teacher)
    torch.nn.functional.cross_entropy(logits.reshape(-1, K), torch.tensor(target.reshape(-1))).backward()
    assert_close(said.logits, logits.detach().numpy(), "logits", 1e-12)
    gradient, _ = said.back(slope)
    assert set(gradient) == set(leaves)
    for name, leaf in leaves.items():
        assert_close(gradient[name], leaf.grad.numpy(), name, 1e-10)
    assert_close(said.back(slope)[0]["readout.weight"], gradient["readout.weight"], "a second time back", 0)


@every_attention
def test_where_it_looks(attention):
    _, said, _ = costs(*problem(attention), np.ones((R, B), bool))
    if attention == "none":
        assert said.shares is None
        return
    assert said.shares.shape == (R, B, STEPS)
    assert_close(said.shares.sum(axis=2), np.ones((R, B)), "shares", 1e-14)
    assert (said.shares[:, 1, :2] == 0).all() and (said.shares[:, 0] > 0).all()


@every_attention
def test_the_decoder_run_as_a_whole_is_the_one_run_step_by_step(attention):
    model, vector, *rest = problem(attention, "lstm", 2)
    weights = views(vector, model.shapes)
    said = model(weights, *rest, forced(np.random.default_rng(3), (R, B), 0.5))
    memory, _ = model.decoder(weights, said.entered, said.encoder.last)
    if attention != "dot":  # there, h̃ is read
        again = memory.h @ weights["readout.weight"].T + weights["readout.bias"]
        assert_close(again, said.logits, "logits", 1e-13)
    assert memory.h.shape == (R, B, model.H)


def test_teacher_forcing_says_what_enters():
    model, vector, source, real, target = problem("none")
    table = views(vector, model.shapes)["target.weight"]
    teacher = np.zeros((R, B), bool)
    teacher[2] = True
    _, said, _ = costs(model, vector, source, real, target, teacher)
    wanted = [np.full(B, K), said.symbols[0], target[1], said.symbols[2]]
    assert np.array_equal(said.entered, table[np.array(wanted)])
    # never forced, the true symbols change nothing
    blind = [model(views(vector, model.shapes), source, real, (target + by) % K, teacher & False) for by in (0, 1)]
    assert np.array_equal(blind[0].logits, blind[1].logits)


def test_the_share_of_teacher_forcing():
    rng = np.random.default_rng(0)
    assert forced(rng, (50, 50), 1).all() and not forced(rng, (50, 50), 0).any()
    assert forced(rng, (100, 100), 0.3).mean() == pytest.approx(0.3, abs=0.02)
    with pytest.raises(ValueError, match="the share of teacher forcing must lie from 0 to 1"):
        forced(rng, (2, 2), 1.5)


def learns_to_reverse(attention, share, broken=False) -> float:
    """The share of right symbols, without a teacher, on sequences never seen."""
    model, rng, rule = EncoderDecoder("gru", 4, 4, 6, 16, 1, attention), np.random.default_rng(0), Adam()
    vector = model.draw(1, forget_bias=1)
    memory = blank_memory(rule, vector)
    for count in range(1, 151):
        source = rng.integers(4, size=(3, 16))
        said = model(views(vector, model.shapes), source, source >= 0, source[::-1], forced(rng, source.shape, share))
        _, slope = cross_entropy(said.logits.reshape(-1, 4), source[::-1].reshape(-1))
        gradient = packed(said.back(slope.reshape(said.logits.shape))[0], model.shapes, float)
        if broken:
            gradient[: -model.K * (model.H + 1)] *= -1  # all but the readout
        clip_by_norm(gradient, 1.0)
        rule.step(vector, gradient, memory, 0.02, count)
    source = np.random.default_rng(9).integers(4, size=(3, 200))
    said = model(views(vector, model.shapes), source, source >= 0, source[::-1], source < 0)
    return float((said.symbols == source[::-1]).mean())


def test_it_learns_to_write_backwards_and_does_not_with_a_broken_gradient():
    assert learns_to_reverse("additive", 0.7) > 0.95
    assert learns_to_reverse("dot", 0.7) > 0.95
    assert learns_to_reverse("dot", 0.7, broken=True) < 0.6


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"source": np.full((2, 1), S)}, "source must hold symbols from 0 to 4"),
        ({"source": np.zeros((2, 1))}, "source must hold symbols"),
        ({"target": np.full((2, 1), -1)}, "target must hold symbols from 0 to 3"),
        ({"target": np.zeros((2, 3), int)}, r"target must have shape \(R, 1\)"),
        ({"teacher": np.ones((3, 1), bool)}, r"teacher must have shape \(2, 1\)"),
        ({"real": np.zeros((2, 1), bool)}, "every source needs at least one real step"),
    ],
)
def test_what_cannot_be_read_is_answered_in_one_sentence(change, sentence):
    model, vector, *_ = problem("none")
    given = {"source": np.zeros((2, 1), int), "real": np.ones((2, 1), bool)}
    given |= {"target": np.zeros((2, 1), int), "teacher": np.ones((2, 1), bool)} | change
    with pytest.raises(ValueError, match=sentence):
        model(views(vector, model.shapes), **given)


def test_the_four_forms():
    drawn = {
        name: [
            ("".join("x."[not e] for e in stage.entering(3)), "".join("y."[not c] for c in stage.counting(3)))
            for stage in form.stages
        ]
        for name, form in FORMS.items()
    }
    assert drawn == {
        "sequence_to_sequence": [("xxx", "yyy")],
        "sequence_to_vector": [("xxx", "..y")],
        "vector_to_sequence": [("x..", "yyy")],
        "encoder_decoder": [("xxx", "..."), ("xxx", "yyy")],
    }
    assert [stage.enters for stage in EncoderDecoder("gru", 2, 2, 2, 2).form.stages] == ["every", "answers"]
    with pytest.raises(ValueError, match="unknown way in 'sometimes': expected one of every, first, answers"):
        Stage("sometimes", "last")


@pytest.mark.parametrize("form", ["sequence_to_sequence", "sequence_to_vector", "vector_to_sequence"])
def test_a_reader_in_each_form_is_pytorchs_with_its_gradients(form):
    rng, model = np.random.default_rng(0), Reader(Stack("gru", 3, 4), 2)
    vector = rng.uniform(-1, 1, sum(np.prod(shape, dtype=int) for shape in model.shapes.values()))
    inputs = rng.standard_normal((B, 3) if form == "vector_to_sequence" else (R, B, 3))
    answer = model.through(views(vector, model.shapes), form, inputs, R)

    leaf, gru, readout = torch.tensor(inputs, requires_grad=True), torch.nn.GRU(3, 4), torch.nn.Linear(4, 2)
    for parameter, array in zip([*gru.parameters(), *readout.parameters()], views(vector, model.shapes).values()):
        parameter.data = torch.tensor(array)
    x = torch.cat([leaf[None], torch.zeros(R - 1, B, 3)]) if form == "vector_to_sequence" else leaf
    h = gru(x.double())[0]
    theirs = readout(h[-1:] if form == "sequence_to_vector" else h).reshape(-1, 2)
    assert_close(answer.answers, theirs.detach().numpy(), "answers", 1e-12)

    slope = rng.standard_normal(answer.answers.shape)
    theirs.backward(torch.tensor(slope))
    gradient, reached = answer.back(slope)
    for (name, ours), leaf_of in zip(gradient.items(), [*gru.parameters(), *readout.parameters()], strict=True):
        assert_close(ours, leaf_of.grad.numpy(), name, 1e-11)
    entering = reached.x[0] if form == "vector_to_sequence" else reached.x
    assert_close(entering, leaf.grad.numpy(), "inputs", 1e-11)


def test_a_reader_has_no_second_stage():
    with pytest.raises(ValueError, match="unknown form 'encoder_decoder': expected one of sequence_to_sequence"):
        Reader(Stack("gru", 3, 4), 2).through({}, "encoder_decoder", np.zeros((2, 2, 3)))


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_tasks_score_where_their_form_counts(task):
    batch = task.batch(1, 12, 50)
    (stage,) = FORMS[task.form].stages
    assert not batch.scored[~stage.counting(len(batch.x))].any()
    assert batch.scored[-1].any()
