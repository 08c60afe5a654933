"""From an Experiment to its numbers: the loss, the rivals, and the facts that the pages tell."""

import numpy as np
import pytest

from explorer import Experiment, backprop, init_params, jacobian_at, perform, run
from explorer.cells import CELLS
from explorer.datasets import DATASETS
from explorer.measures import norm
from explorer.performing import SEEDS as SEVERAL
from explorer.performing import direct_gradient, matched, parameter_count, rivals, truncated
from tests.engine_cases import every_case

SEEDS = (1, 2, 3)


class TestDirectGradient:
    @pytest.mark.parametrize(("loss", "steps"), [("last", [19]), ("all", range(20)), ("1", [0]), ("8", [7])])
    @pytest.mark.parametrize("H", [1, 7, 64])
    def test_has_norm_one_where_the_loss_sits(self, loss, steps, H):
        direct = direct_gradient(Experiment(T=20, H=H, loss=loss))
        assert direct.shape == (20, 1, H)
        wanted = np.zeros(20)
        wanted[list(steps)] = 1
        np.testing.assert_allclose(norm(direct)[:, 0], wanted, rtol=1e-14)
        assert len(np.unique(direct[list(steps)])) == 1, "every unit weighs the same"

    @pytest.mark.parametrize("loss", ["last", "all", "5"])
    def test_is_that_of_the_loss_on_the_page(self, loss):
        """L = Σ_t Σ_u h_t,u / √H, nudged through a bias."""
        experiment = Experiment(T=12, H=4, loss=loss)
        performance = perform(experiment)
        params = {name: array.copy() for name, array in performance.trace.params.items()}

        def L(nudge):
            params["bias_ih"][2] = performance.trace.params["bias_ih"][2] + nudge
            h = run("lstm", params, performance.input.x)["h"]
            return sum(h[t].sum() for t in experiment.steps_with_loss) / 2

        slope = (L(1e-6) - L(-1e-6)) / 2e-6
        np.testing.assert_allclose(performance.grads.params["bias_ih"][2], slope, rtol=1e-7)


def flat(performance):
    """All numbers of a performance."""
    p = performance
    arrays = [p.input.x]
    for layer in p.trace.layers:
        arrays += [*layer.values.values(), *layer.params.values()]
    for layer in p.grads.layers:
        arrays += [*layer.state.values(), *layer.pre.values(), *layer.params.values(), layer.x]
    return arrays


class TestPerform:
    @pytest.mark.parametrize("cell", CELLS)
    @pytest.mark.parametrize("input", DATASETS)
    def test_the_same_settings_are_the_same_numbers(self, cell, input):
        base = Experiment(T=20, H=5, numbers=(1, 2, 3)).replace(input=input, cell=cell, layers=2)
        first, second = flat(perform(base)), flat(perform(base))
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))

    def test_another_seed_is_another_network(self):
        first, second = perform(Experiment(T=20)), perform(Experiment(T=20, seed=2))
        np.testing.assert_array_equal(first.input.x, second.input.x)
        assert not np.array_equal(first.trace["h"], second.trace["h"])

    def test_another_input_seed_is_the_same_network(self):
        first, second = (perform(Experiment(T=20).replace(input="clue", input_seed=seed)) for seed in (1, 3))
        assert not np.array_equal(first.input.x, second.input.x)
        for name, array in first.trace.params.items():
            np.testing.assert_array_equal(array, second.trace.params[name])

    def test_chance_from_outside_changes_nothing(self):
        """Nothing draws from a generator that another part of the program could have used."""
        np.random.seed(0)
        first = perform(Experiment(T=10)).trace["h"]
        np.random.random(7)
        np.testing.assert_array_equal(first, perform(Experiment(T=10)).trace["h"])

    def test_the_loss_moves_no_forward_number(self):
        first, second = perform(Experiment(T=20)), perform(Experiment(T=20, loss="3"))
        np.testing.assert_array_equal(first.trace["c"], second.trace["c"])
        assert not second.grads.state["h"][3:].any() and first.grads.state["h"][3:].any()

    def test_is_run_and_backprop(self):
        e = Experiment(cell="gru", input="sine", T=15, H=6, seed=4, gain=1.5, forget_bias=2, z_keeps=False)
        p = perform(e)
        params = init_params("gru", 1, 6, seed=4, gain=1.5, forget_bias=2, z_keeps=False)
        trace = run("gru", params, np.sin(np.arange(15) / 5)[:, None, None], z_keeps=False)
        np.testing.assert_array_equal(p.trace["h"], trace["h"])
        direct = np.zeros((15, 1, 6))
        direct[-1] = 6**-0.5
        np.testing.assert_array_equal(p.grads.state["h"], backprop(trace, direct).state["h"])

    def test_its_arrays_cannot_be_written(self):
        """The pages share one performance between all visitors."""
        p = perform(Experiment(T=10))
        for array in (p.trace["h"], p.trace.x, p.trace.params["weight_hh"], p.grads.state["h"], p.grads.pre["f"]):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0

    @pytest.mark.parametrize("cell", CELLS)
    @pytest.mark.parametrize("chrono", [False, True])
    @pytest.mark.parametrize("T", [2, 3, 50])
    def test_every_cell_takes_every_start(self, cell, chrono, T):
        e = Experiment(cell=cell, T=T, H=3, chrono=chrono, layers=3)
        p = perform(e)
        assert [layer.T for layer in p.trace.layers] == [T] * 3
        assert np.isfinite(p.trace["h"]).all() and np.isfinite(p.grads.state["h"]).all()

    @pytest.mark.parametrize("scheme", ["pytorch", "xavier", "orthogonal", "identity", "spectral"])
    def test_the_most_that_can_be_asked_for_is_answered(self, scheme):
        e = Experiment(input="english", D=16, T=500, H=64, layers=3, scheme=scheme, gain=4, forget_bias=6)
        for rival in rivals(e).values():
            assert perform(rival).grads.state["h"].shape == (500, 1, 64)

    def test_the_bias_opens_the_gate_that_keeps(self):
        for cell, gate in (("lstm", "f"), ("gru", "z")):
            shut, opened = (perform(Experiment(cell=cell, forget_bias=bias)).trace[gate].mean() for bias in (0, 3))
            assert shut < 0.65 and opened > 0.9

    @every_case
    def test_every_convention_reaches_the_engine(self, cell, options):
        assert perform(Experiment(cell=cell, T=3, H=2, **options)).trace.options == options


class TestRivals:
    def test_are_one_of_every_kind(self):
        assert list(rivals(Experiment())) == ["rnn_tanh", "rnn_relu", "rnn_sigmoid", "gru", "lstm"]

    @pytest.mark.parametrize("cell", CELLS)
    def test_share_all_but_the_kind(self, cell):
        e = Experiment(cell=cell, input="clue", D=4, T=30, H=5, seed=3, input_seed=7, gain=0.5, loss="9", layers=2)
        runs = {name: perform(rival) for name, rival in rivals(e).items()}
        for name, p in runs.items():
            np.testing.assert_array_equal(p.input.x, runs["lstm"].input.x)
            kind = {"activation": p.experiment.activation} if name.startswith("rnn") else {}
            assert p.experiment == e.replace(cell=name.partition("_")[0], **kind)
            assert p.trace.cell.name == name.partition("_")[0]
        assert [runs[f"rnn_{a}"].trace.options["activation"] for a in ("tanh", "relu", "sigmoid")] == [
            "tanh",
            "relu",
            "sigmoid",
        ]

    def test_do_not_depend_on_the_cell_chosen(self):
        first, second = (rivals(Experiment(cell=cell))["gru"] for cell in ("rnn", "lstm"))
        assert first == second


def log_gradient(back, state="h", **settings):
    """log₁₀ ‖∂L/∂h‖ so many steps before the loss, by seed."""
    e = Experiment(input="sine", T=100, H=32, **settings)
    runs = (perform(e.replace(seed=seed)).grads.state[state] for seed in SEEDS)
    return np.array([np.log10(norm(grads)[-1 - back, 0]) for grads in runs])


class TestGradientAtBirth:
    """What an independent implementation measured: three seeds each, other draws, so magnitudes only."""

    @pytest.mark.parametrize(
        ("settings", "twenty", "sixty"),
        [
            ({"cell": "rnn"}, (-7.5, -4), (-19, -11)),
            ({"cell": "lstm", "forget_bias": 0}, (-6.5, -3.5), (-19, -11)),
            ({"cell": "lstm", "forget_bias": 1}, (-4, -1.5), (-7, -3.5)),
            ({"cell": "lstm", "forget_bias": 3}, (-3, 0), (-3, 1)),
            ({"cell": "lstm", "forget_bias": 5}, (-3, 0), (-3, 1)),
            ({"cell": "gru", "forget_bias": 0}, (-5.5, -2.5), (-13, -8)),
            ({"cell": "gru", "forget_bias": 3}, (-1, 0.5), (-2, 0)),
        ],
        ids=["rnn", "lstm 0", "lstm 1", "lstm 3", "lstm 5", "gru 0", "gru 3"],
    )
    def test_h(self, settings, twenty, sixty):
        for back, (low, high) in ((20, twenty), (60, sixty)):
            measured = log_gradient(back, **settings)
            assert (low < measured).all() and (measured < high).all(), f"{back} back: {measured}"

    @pytest.mark.parametrize(("bias", "low", "high"), [(0, -18, -10.5), (1, -6.5, -3), (3, -2.5, 1)])
    def test_c(self, bias, low, high):
        measured = log_gradient(60, "c", cell="lstm", forget_bias=bias)
        assert (low < measured).all() and (measured < high).all(), measured

    def test_the_surprise(self):
        """An LSTM at bias 0 forgets like the RNN; opened, it remembers."""
        rnn, shut, opened = (
            log_gradient(60, cell=cell, forget_bias=bias) for cell, bias in (("rnn", 0), ("lstm", 0), ("lstm", 3))
        )
        assert np.abs(rnn - shut).max() < 8 and (opened > shut + 8).all()

    def test_sigmoid_dies_first(self):
        sigmoid = log_gradient(20, cell="rnn", activation="sigmoid")
        assert (sigmoid < log_gradient(20, cell="rnn") - 3).all()


class TestMatched:
    @pytest.mark.parametrize("layers", [1, 3])
    @pytest.mark.parametrize("cell", CELLS)
    def test_parameters_are_counted_as_they_are(self, cell, layers):
        e = Experiment(cell=cell, T=4, H=5, layers=layers)
        layers_of = perform(e).trace.layers
        assert parameter_count(e) == sum(array.size for layer in layers_of for array in layer.params.values())

    @pytest.mark.parametrize("H", [1, 2, 8, 32, 64])
    def test_the_numbers_of_parameters_are_as_near_as_units_allow(self, H):
        e = Experiment(T=4, H=H)
        found = matched(e, "parameters")
        wanted = parameter_count(e.replace(cell="rnn"))
        for name, (rival,) in found.items():
            off = abs(parameter_count(rival) - wanted)
            for other in (rival.H - 1, rival.H + 1):
                if 1 <= other <= 64:
                    assert off <= abs(parameter_count(rival.replace(H=other)) - wanted), name
        assert found["rnn_tanh"][0].H == H
        assert H < 16 or all(abs(parameter_count(r) / wanted - 1) < 0.1 for (r,) in found.values())

    @pytest.mark.parametrize(("seed", "first"), [(1, 1), (9999, 9995)])
    def test_the_same_units_are_drawn_with_several_seeds(self, seed, first):
        for group in matched(Experiment(seed=seed), "units").values():
            assert [e.seed for e in group] == list(range(first, first + SEVERAL))
            assert {e.H for e in group} == {32}

    def test_the_same_seed_is_that_of_the_rivals(self):
        e = Experiment()
        assert matched(e, "seed") == {name: (rival,) for name, rival in rivals(e).items()}


class TestTruncated:
    @pytest.mark.parametrize("loss", ["last", "all", "9"])
    @pytest.mark.parametrize("cell", CELLS)
    def test_a_window_over_everything_cuts_nothing(self, cell, loss):
        p = perform(Experiment(cell=cell, T=12, H=4, loss=loss, layers=2))
        states, weights = truncated(p, 12)
        for q, rows in states.items():
            np.testing.assert_allclose(rows, p.grads.state[q][:, 0], rtol=1e-12, atol=1e-15)
        for name, array in weights.items():
            np.testing.assert_allclose(array, p.grads.params[name], rtol=1e-12, atol=1e-15)

    @pytest.mark.parametrize("window", [1, 5, 7])
    @pytest.mark.parametrize("cell", CELLS)
    def test_no_gradient_crosses_a_cut(self, cell, window):
        """Within a piece the gradient is that of its own losses alone, worked out through the Jacobians."""
        e = Experiment(cell=cell, T=12, H=4, loss="all")
        p = perform(e)
        states, _ = truncated(p, window)
        for t in range(1, 13):
            stop = 12 - (12 - t) // window * window  # the last step of the piece
            own = sum(
                jacobian_at(p.trace, later, t).values.T @ direct_gradient(e)[later - 1, 0]
                for later in range(t, stop + 1)
            )
            np.testing.assert_allclose(states["h"][t - 1], own, rtol=1e-9, atol=1e-13)

    def test_a_loss_in_the_middle_stays_in_its_piece(self):
        states, _ = truncated(perform(Experiment(T=12, H=4, loss="6")), 4)
        sizes = norm(states["h"])
        np.testing.assert_array_equal(sizes > 0, [False] * 4 + [True, True] + [False] * 6)
