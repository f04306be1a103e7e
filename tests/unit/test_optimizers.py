"""The optimizers are torch's, with the arguments that were asked for."""

import pytest
import torch

from paribus.parts import Part, build, completed

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
