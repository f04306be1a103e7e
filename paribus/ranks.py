"""The processes that train one run together, and what they say to each other.

Every process holds the whole network and a part of each batch. The batch is the recipe's, however many there are: what
would depend on the part is made to see the whole. The loss is taken of the gathered outputs, so that it need not be a
mean over images; batch norm takes the statistics of the whole batch (torch's own SyncBatchNorm wants GPUs); dropout
draws for the whole batch and keeps its own rows. So all processes hold the same bits after every step, and come to the
same decisions without asking.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from paribus import strictjson
from paribus.durable import canonical
from paribus.errors import Problem, RankLost, StudyError

if TYPE_CHECKING:
    import torch
    from torch import nn

PATIENCE = 45.0  # seconds that a process may be silent while the others wait for its part
_UNTIL_TOLD = timedelta(days=30)  # between two runs the first process has other work


@dataclass(frozen=True)
class Ranks:
    """Process `rank` of `size`. speech: the group in which the first tells the others what to do.

    Whatever waits for another process raises RankLost where that one is gone or says nothing for PATIENCE seconds.
    """

    rank: int = 0
    size: int = 1
    speech: Any = None

    def part(self, count: int) -> slice:
        """Which of so many things, in their order, are this process's."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def counted(self, own: int) -> int:
        """The sum over all processes."""
        import torch

        return own if self.size == 1 else int(self._summed(torch.tensor([own]))[0])

    def whole(self, part: "torch.Tensor", count: int, rows: slice | None = None) -> "torch.Tensor":
        """(count, …) from the rows of all processes, by default as `part` parts them.

        A gradient flows into the own rows only.
        """
        import torch

        if self.size == 1:
            return part
        rows = rows or self.part(count)
        together = part.new_zeros((count, *part.shape[1:]))
        together[rows] = part.detach()
        self._summed(together)  # to each row all but one process add zero
        return torch.cat([together[: rows.start], part, together[rows.stop :]]) if part.requires_grad else together

    def add_up(self, parameters: "Sequence[nn.Parameter]") -> None:
        """Each gradient becomes the sum over the processes: that of the whole batch's loss."""
        import torch

        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = self._summed(torch.cat([g.flatten() for g in gradients]))
        for gradient, total in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))

    def on_whole_batches(self, count: int) -> Any:
        """A context in which batch norm and dropout act as on the batch of `count` images that this is a part of."""
        return nullcontext() if self.size == 1 else _as_one()(self, count)

    def tell(self, about: dict[str, Any] | None, content: bytes = b"") -> None:
        """The first process: what all others `hear`; None ends their work."""
        import torch

        if self.size > 1:
            said = bytearray(canonical(about or {}))
            self._spoken(torch.tensor([len(said), len(content)]))
            self._spoken(torch.frombuffer(said + content, dtype=torch.uint8))

    def hear(self) -> tuple[dict[str, Any], bytes] | None:
        """The other processes: what the first one tells next."""
        import torch

        lengths = self._spoken(torch.zeros(2, dtype=torch.int64)).tolist()
        both = self._spoken(torch.zeros(sum(lengths), dtype=torch.uint8)).numpy().tobytes()
        about = strictjson.mapping(both[: lengths[0]])
        return (about, both[lengths[0] :]) if about else None

    def _spoken(self, tensor: "torch.Tensor") -> "torch.Tensor":
        import torch.distributed as dist

        with _told():
            dist.broadcast(tensor, 0, group=self.speech)
        return tensor

    def _summed(self, tensor: "torch.Tensor") -> "torch.Tensor":
        """In place. The bits are the same in every process: each number is added up in one of them."""
        import torch.distributed as dist

        with _told():
            dist.all_reduce(tensor)
        return tensor


ALONE = Ranks()


def joined(rank: int, size: int, meeting: str) -> Ranks:
    """This process among the others, once all are there. meeting: a URL of torch.distributed. Raises RankLost."""
    import torch.distributed as dist

    with _told():
        dist.init_process_group(
            "gloo", init_method=meeting, rank=rank, world_size=size, timeout=timedelta(seconds=PATIENCE)
        )
        return Ranks(rank, size, dist.new_group(backend="gloo", timeout=_UNTIL_TOLD))


def part_ways() -> None:
    """The end of what `joined` began."""
    import torch.distributed as dist

    dist.destroy_process_group()


@contextmanager
def _told() -> Iterator[None]:
    """What torch says when another process is gone, in the user's words."""
    try:
        yield
    except RuntimeError as error:
        said = str(error).strip().partition("\n")[0][:200]
        fix = "the same command goes on from the last committed state."
        raise RankLost([Problem("RANK_LOST", f"another process of this run is gone ({said}).", fix=fix)]) from None


def _batch_norm(
    ranks: Ranks,
    input: "torch.Tensor",
    running_mean: "torch.Tensor | None",
    running_var: "torch.Tensor | None",
    weight: "torch.Tensor | None" = None,
    bias: "torch.Tensor | None" = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> "torch.Tensor":
    """torch.nn.functional.batch_norm in training, with the mean and variance of the batch of all processes.

    As in torch, the running variance takes the unbiased one, the output the biased one.
    """
    import torch

    summed, wide = _differentiable(), input.float()
    reduced, shape = [0, *range(2, input.ndim)], [1, -1, *[1] * (input.ndim - 2)]
    own = torch.tensor([input.numel() // input.shape[1]], dtype=torch.float32)
    sums = summed.apply(torch.cat([wide.sum(reduced), own]), ranks)
    mean, count = sums[:-1] / sums[-1], float(sums[-1].detach())
    centred = wide - mean.view(shape)
    variance = summed.apply(centred.square().sum(reduced), ranks) / count
    with torch.no_grad():
        if running_mean is not None and running_var is not None:
            running_mean.lerp_(mean.to(running_mean.dtype), momentum)
            running_var.lerp_((variance * count / (count - 1)).to(running_var.dtype), momentum)
    found = centred * (variance + eps).rsqrt().view(shape)
    if weight is not None:
        found = found * weight.view(shape)
    if bias is not None:
        found = found + bias.view(shape)
    return found.to(input.dtype)


def _dropped(ranks: Ranks, count: int, function: Any, input: "torch.Tensor", p: float, inplace: bool) -> "torch.Tensor":
    """A dropout of torch's, drawn for the whole batch."""
    import torch

    kept = function(torch.ones_like(_enlarged(ranks, count, input)), p=p, training=True)[ranks.part(count)]
    return input.mul_(kept) if inplace else input * kept


def _enlarged(ranks: Ranks, count: int, part: "torch.Tensor") -> "torch.Tensor":
    """An empty tensor for the whole batch, in the memory layout of a part of it, in whose order draws are made."""
    import torch

    if len(part) != len(range(count)[ranks.part(count)]):
        message = "draws random numbers for something that is no part of a batch: it cannot be trained so."
        raise StudyError([Problem("PROCESSES", message, "the model", "leave --processes out.")])
    channels_last = part.ndim == 4 and part.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty((count, *part.shape[1:]), dtype=part.dtype, memory_format=layout)


@cache
def _differentiable() -> Any:
    """The sum over all processes as a function of autograd. A class, made late: torch is imported when it is needed."""
    import torch

    class Summed(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, tensor: torch.Tensor, ranks: Ranks) -> torch.Tensor:
            context.ranks = ranks
            return ranks._summed(tensor.clone())

        @staticmethod
        def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
            return context.ranks._summed(gradients[0].clone().contiguous()), None

    return Summed


@cache
def _as_one() -> Any:
    """The context of `Ranks.on_whole_batches`: torch asks it before it calls one of its functions."""
    import torch
    from torch.nn import functional
    from torch.overrides import TorchFunctionMode

    dropouts = (functional.dropout, functional.dropout1d, functional.dropout2d, functional.dropout3d)
    other_draws: tuple[Any, ...] = (functional.alpha_dropout, functional.feature_alpha_dropout, functional.rrelu)
    other_draws += (torch.rand_like, torch.randn_like, torch.bernoulli)

    class AsOne(TorchFunctionMode):
        def __init__(self, ranks: Ranks, count: int):
            super().__init__()
            self.ranks, self.count = ranks, count

        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            named = kwargs or {}
            if function is functional.batch_norm and named.get("training"):
                return _batch_norm(self.ranks, *args, **named)
            if function in dropouts and named.get("training"):
                inplace = named.get("inplace", False)
                return _dropped(self.ranks, self.count, function, args[0], named["p"], inplace)
            if function is torch.Tensor.bernoulli_ and args[0].ndim and len(args[0]) != 1:  # stochastic depth
                drawn = function(_enlarged(self.ranks, self.count, args[0]), *args[1:], **named)
                return args[0].copy_(drawn[self.ranks.part(self.count)])
            if function in other_draws and named.get("training", True):
                message = f"draws with {function.__name__}, which is not known to draw alike in several processes."
                raise StudyError([Problem("PROCESSES", message, "the model", "leave --processes out.")])
            return function(*args, **named)

    return AsOne
