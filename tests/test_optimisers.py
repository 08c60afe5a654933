"""Losses, optimisers, clipping and schedules, step for step beside PyTorch's."""

import numpy as np
import pytest

from explorer.training.losses import LOSSES, binary_cross_entropy, cross_entropy, mse
from explorer.training.optimisers import (
    CLIPPING,
    SCHEDULES,
    SGD,
    Adam,
    RMSProp,
    blank_memory,
    clip_by_norm,
    clip_by_value,
)

torch = pytest.importorskip("torch")
torch.set_num_threads(1)
F = torch.nn.functional


def wanted_by(loss, N, K, rng):
    """What each loss may be asked for."""
    if loss == "cross_entropy":
        return rng.integers(K, size=N)
    return rng.random((N, K)) if loss == "binary_cross_entropy" else 3 * rng.standard_normal((N, K))


def cases():
    rng = np.random.default_rng(3)
    for loss in LOSSES:
        for N, K, scale in ((1, 1, 1), (7, 5, 1), (7, 5, 40), (3, 2, 800)):
            yield pytest.param(
                loss, scale * rng.standard_normal((N, K)), wanted_by(loss, N, K, rng), id=f"{loss}-{N}-{K}-{scale}"
            )


@pytest.mark.parametrize(("loss", "answers", "wanted"), list(cases()))
def test_losses_are_pytorchs(loss, answers, wanted):
    theirs = {
        "mse": F.mse_loss,
        "cross_entropy": F.cross_entropy,
        "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    }
    leaf = torch.tensor(answers, requires_grad=True)
    cost = theirs[loss](leaf, torch.tensor(wanted))
    cost.backward()
    value, gradient = LOSSES[loss](answers, wanted)
    assert value == pytest.approx(cost.item(), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_slopes_of_losses_are_difference_quotients(loss):
    rng = np.random.default_rng(5)
    answers, wanted = rng.standard_normal((4, 3)), wanted_by(loss, 4, 3, rng)
    _, gradient = LOSSES[loss](answers, wanted)
    for place in np.ndindex(answers.shape):
        up, down = answers.copy(), answers.copy()
        up[place] += 1e-5
        down[place] -= 1e-5
        slope = (LOSSES[loss](up, wanted)[0] - LOSSES[loss](down, wanted)[0]) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-7, abs=1e-9)


def test_losses_keep_float32():
    for loss in LOSSES:
        rng = np.random.default_rng(1)
        answers = rng.standard_normal((4, 3)).astype("float32")
        assert LOSSES[loss](answers, wanted_by(loss, 4, 3, rng))[1].dtype == np.float32


@pytest.mark.parametrize(
    ("loss", "answers", "wanted", "sentence"),
    [
        (mse, np.zeros((2, 3)), np.zeros((2, 2)), r"wanted must have shape \(2, 3\)"),
        (mse, np.zeros(3), np.zeros(3), "answers must have shape"),
        (mse, np.zeros((0, 3)), np.zeros((0, 3)), "at least one number"),
        (cross_entropy, np.zeros((2, 3)), np.array([0, 3]), "classes from 0 to 2, but reaches from 0 to 3"),
        (cross_entropy, np.zeros((2, 3)), np.array([0.0, 1.0]), "classes from 0 to 2"),
        (binary_cross_entropy, np.zeros((1, 1)), np.array([[1.5]]), "from 0 to 1, but reaches from 1.5"),
    ],
)
def test_what_a_loss_cannot_take_is_answered_in_one_sentence(loss, answers, wanted, sentence):
    with pytest.raises(ValueError, match=sentence):
        loss(answers, wanted)


RULES = {
    "sgd": (SGD(), lambda w, rate: torch.optim.SGD([w], rate)),
    "momentum": (SGD(0.9), lambda w, rate: torch.optim.SGD([w], rate, momentum=0.9)),
    "nesterov": (SGD(0.8, True), lambda w, rate: torch.optim.SGD([w], rate, momentum=0.8, nesterov=True)),
    "rmsprop": (RMSProp(), lambda w, rate: torch.optim.RMSprop([w], rate)),
    "rmsprop 0.9": (RMSProp(0.9, 1e-6), lambda w, rate: torch.optim.RMSprop([w], rate, alpha=0.9, eps=1e-6)),
    "adam": (Adam(), lambda w, rate: torch.optim.Adam([w], rate)),
    "adam 0.8": (Adam(0.8, 0.95, 1e-4), lambda w, rate: torch.optim.Adam([w], rate, betas=(0.8, 0.95), eps=1e-4)),
}


def slope(w, count):
    """The slope of a narrow valley, seen through noise: a step taken wrongly changes all that follow."""
    return np.linspace(0.1, 30, w.size) * w + np.random.default_rng(count).standard_normal(w.size)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("clipping", CLIPPING)
def test_each_step_is_pytorchs_to_ten_digits(name, clipping):
    rule, make = RULES[name]
    weights = np.random.default_rng(2).standard_normal(40)
    theirs = torch.tensor(weights.copy(), requires_grad=True)
    optimiser, memory = make(theirs, 0.01), blank_memory(rule, weights)
    for count in range(1, 201):
        gradient = slope(weights, count)
        theirs.grad = torch.tensor(slope(theirs.detach().numpy(), count))
        CLIPPING[clipping](gradient, 1.5)
        if clipping == "norm":
            torch.nn.utils.clip_grad_norm_([theirs], 1.5)
        elif clipping == "value":
            torch.nn.utils.clip_grad_value_([theirs], 1.5)
        rule.step(weights, gradient, memory, 0.01, count)
        optimiser.step()
        np.testing.assert_allclose(weights, theirs.detach().numpy(), rtol=1e-10, atol=1e-10, err_msg=f"step {count}")


def test_clipping_leaves_a_short_gradient_alone_and_tells_the_norm():
    gradient = np.array([3.0, -4.0])
    assert clip_by_norm(gradient, 6.0) == 5 and gradient.tolist() == [3, -4]
    for most in (4.9, 1.0):
        clipped = gradient.copy()
        assert clip_by_norm(clipped, most) == 5 and np.linalg.norm(clipped) == pytest.approx(most, rel=1e-6)
    assert clip_by_norm(gradient, 1.0) == 5 and np.linalg.norm(gradient) == pytest.approx(1, rel=1e-6)
    gradient = np.array([3.0, -4.0])
    assert clip_by_value(gradient, 3.5) == 5 and gradient.tolist() == [3, -3.5]


def test_schedules_are_pytorchs():
    planned = 80
    schedulers = torch.optim.lr_scheduler
    theirs = {
        "constant": lambda o: schedulers.ConstantLR(o, 1.0),
        "steps": lambda o: schedulers.StepLR(o, planned // 4, 0.5),
        "exponential": lambda o: schedulers.ExponentialLR(o, 0.01 ** (1 / planned)),
        "cosine": lambda o: schedulers.CosineAnnealingLR(o, planned),
        "warmup": lambda o: schedulers.LinearLR(o, 1 / 8, 1.0, 7),
    }
    assert set(theirs) == set(SCHEDULES)
    for name, share in SCHEDULES.items():
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
        scheduler = theirs[name](optimiser)
        for made in range(planned):
            assert share(made, planned) == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-10, abs=1e-12), name
            optimiser.step()
            scheduler.step()
