"""The optimizers are torch's, with the arguments that were asked for."""

import pytest
import torch

from paribus.parts import Part, PartProblem, build, completed

HOME = "paribus.optimizers"


def made(use, **args):
    head, body = [torch.nn.Parameter(torch.zeros(2))], [torch.nn.Parameter(torch.zeros(3))]
    return build(completed(Part(use, args), HOME), HOME, head, body)


@pytest.mark.parametrize(
    ("use", "kind", "defaults"),
    [
        ("sgd", torch.optim.SGD, {"lr": 1e-2, "momentum": 0.9, "weight_decay": 0.0, "nesterov": False}),
        ("adam", torch.optim.Adam, {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 0.0, "eps": 1e-8}),
        ("adamw", torch.optim.AdamW, {"lr": 1e-3, "betas": (0.9, 0.999), "weight_decay": 1e-2, "eps": 1e-8}),
    ],
)
def test_kinds_and_defaults(use, kind, defaults):
    optimizer = made(use)
    assert type(optimizer) is kind
    for group in optimizer.param_groups:
        assert {k: group[k] for k in defaults} == defaults


@pytest.mark.parametrize("use", ["sgd", "adam", "adamw"])
def test_head_and_body_have_their_rates(use):
    rates = lambda o: {tuple(g["params"][0].shape): g["lr"] for g in o.param_groups}  # noqa: E731
    assert rates(made(use, lr=0.1, backbone_lr=0.01)) == {(2,): 0.1, (3,): 0.01}
    assert rates(made(use, lr=0.1, backbone_lr=0)) == {(2,): 0.1, (3,): 0.0}
    assert rates(made(use, lr=0.1)) == {(2,): 0.1, (3,): 0.1}


def test_an_empty_body_makes_no_group():
    head = [torch.nn.Parameter(torch.zeros(2))]
    assert len(build(completed(Part("sgd"), HOME), HOME, head, []).param_groups) == 1


def stepped(use, gradients, **args):
    """Parameters (head and body) after one step from 0 by these gradients, and the gradients as they were used."""
    parameters = [torch.nn.Parameter(torch.zeros(len(g))) for g in gradients]
    optimizer = build(completed(Part(use, args), HOME), HOME, *([p] for p in parameters))
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = torch.tensor(g)
    optimizer.step()
    return parameters, [p.grad for p in parameters]


@pytest.mark.parametrize("use", ["sgd", "adam", "adamw"])
def test_gradients_are_clipped_to_their_common_norm(use):
    steep = [[3.0, 0.0], [0.0, 4.0, 0.0]]  # norm 5 over head and body together
    _, used = stepped(use, steep, clip_norm=1)
    torch.testing.assert_close(torch.cat(used), torch.tensor([0.6, 0, 0, 0.8, 0]), rtol=1e-5, atol=1e-6)
    assert torch.equal(torch.cat(stepped(use, steep, clip_norm=6)[1]), torch.tensor([3.0, 0, 0, 4, 0]))
    assert torch.equal(torch.cat(stepped(use, steep)[1]), torch.tensor([3.0, 0, 0, 4, 0]))


def test_a_clipped_step_is_what_plain_torch_does():
    steep = [[3.0, 0.0], [0.0, 4.0, 0.0]]
    found, _ = stepped("sgd", steep, clip_norm=1, lr=0.5)
    plain = [torch.nn.Parameter(torch.zeros(len(g))) for g in steep]
    for p, g in zip(plain, steep, strict=True):
        p.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(plain, 1.0)
    torch.optim.SGD(plain, 0.5, 0.9).step()
    assert all(torch.equal(a, b) for a, b in zip(found, plain, strict=True))


def test_clipping_outlives_a_resumed_state_and_parameters_without_gradient():
    optimizer = made("adamw", clip_norm=1.0)
    optimizer.load_state_dict(optimizer.state_dict())
    first = optimizer.param_groups[0]["params"][0]
    first.grad = torch.full_like(first, 100.0)
    optimizer.step()
    assert first.grad.norm() == pytest.approx(1.0)


@pytest.mark.parametrize(("argument", "value"), [("clip_norm", 0), ("lr", -1), ("backbone_lr", -0.1), ("momentum", 2)])
def test_numbers_that_no_optimizer_can_use(argument, value):
    with pytest.raises(PartProblem, match=argument):
        completed(Part("sgd", {argument: value}), HOME)


@pytest.mark.parametrize(
    ("use", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_steps_are_fused_and_those_of_the_plain_optimizer(use, kind):
    torch.manual_seed(0)
    ours, theirs = ([torch.nn.Parameter(torch.arange(-2.0, 3.0))] for _ in range(2))
    plain = {k: v for k, v in made(use, lr=0.1).defaults.items() if k in ("momentum", "weight_decay", "betas")}
    fused = build(completed(Part(use, {"lr": 0.1}), HOME), HOME, ours, [])
    steps = fused, kind(theirs, lr=0.1, fused=False, **plain)
    for _ in range(3):
        gradient = torch.randn(5)
        for (parameter,), optimizer in zip((ours, theirs), steps, strict=True):
            parameter.grad = gradient.clone()
            optimizer.step()
    assert fused.defaults["fused"]
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-5, atol=1e-6)
