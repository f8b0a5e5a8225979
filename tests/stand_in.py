"""A GPU that is none: it computes on the CPU, and refuses what a GPU refuses.

Those are tensors of two devices in one operation (one number of the CPU's is allowed, and so are indices), a random
generator of another device, NumPy in its memory, an operation for which torch has no CUDA kernel, and a gradient
through a recurrent network in evaluation mode. Its autocast takes the precisions that CUDA's takes (`CUDA Ops
that can autocast` in torch's documentation of AMP). It is no measure of speed, of memory, or of a kernel's rounding.

Torch has one backend to spare (PrivateUse1), which is registered for good: `on_stand_in` does that in a process of its
own.
"""

import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeVar
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils import _python_dispatch

from tests.forked import FORKS

NAME = "standin"
DEVICE = f"{NAME}:0"
BACKEND, AUTOCAST = "PrivateUse1", "AutocastPrivateUse1"
LIBRARIES: list[Any] = []
"""What is registered goes with its library."""
SECONDS = 300.0
Result = TypeVar("Result")
aten: Any = torch.ops.aten
dispatch: Any = _python_dispatch
RECURRENT = {torch._VF.lstm, torch._VF.gru}
ANYWHERE = {aten.copy_.default, aten._to_copy.default}
INDEXED = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
MADE = """arange arange.start arange.start_step eye eye.m full hann_window hann_window.periodic linspace ones rand
rand.generator randint randint.generator randint.low randint.low_generator randn randn.generator randperm
randperm.generator scalar_tensor zeros"""
"""Operations that make a tensor from nothing, each as a whole: what they are made of resizes its result."""
LOWER = """addbmm addmm addmv baddbmm bmm conv1d conv1d.padding conv2d conv2d.padding conv3d conv_transpose1d
conv_transpose2d.input convolution linear matmul mm prelu scaled_dot_product_attention _thnn_fused_lstm_cell"""
FLOAT32 = """acos asin cosh cosine_similarity cumprod cumsum erfinv exp expm1 group_norm huber_loss kl_div l1_loss
layer_norm linalg_vector_norm log log10 log1p log2 log_softmax.int mse_loss native_layer_norm nll_loss norm.Scalar
norm.ScalarOpt_dim pow.Scalar pow.Tensor_Scalar pow.Tensor_Tensor prod reciprocal rsqrt sinh smooth_l1_loss softmax.int
softplus sum sum.dim_IntList tan"""
WIDEST = "addcdiv addcmul atan2 cat dot grid_sampler index_put scatter_add stack tensordot"


class WrongDevice(RuntimeError):
    """What a GPU would refuse."""


class Elsewhere(Tensor):
    """A tensor on the device that is none; `held` has its numbers."""

    held: Any

    @staticmethod
    def __new__(cls, held: Tensor) -> "Elsewhere":
        """As large as what it holds."""
        made: Elsewhere = Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(DEVICE),
        )
        made.held = held
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A file of it is read to the CPU."""
        return self.held.detach().__reduce_ex__(protocol)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """`tolist` copies to the CPU; cuDNN gives a recurrent network in evaluation mode no gradient."""
        if func is Tensor.tolist:
            return args[0].detach().cpu().tolist()
        if func in RECURRENT:
            _check_recurrent(args)
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # torch's own stub has an instance's
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """One operation, after it was looked at."""
        kwargs = kwargs or {}
        if func is aten._has_compatible_shallow_copy_type.default:  # a module that moves takes new parameters
            return False
        # in inference mode what is composed of other operations comes as a whole
        if (whole := func.decompose(*args, **kwargs)) is not NotImplemented:
            return whole
        _check(func, args, kwargs)
        made = WRITTEN_OUT.get(func, func)(*_each(args, _held), **_each(kwargs, _held))
        if func is aten.copy_.default:
            return args[0]
        wanted = kwargs.get("device")
        if wanted is not None and torch.device(wanted).type != NAME:
            return made
        first = args[0] if args and isinstance(args[0], Tensor) else None
        aliased = any(value.alias_info for value in func._schema.returns)
        # a view of what was not made in inference mode is not an inference tensor either
        ordinary = aliased and first is not None and not first.is_inference()
        with torch.inference_mode(torch.is_inference_mode_enabled() and not ordinary):
            made = _each(made, lambda value: Elsewhere(value) if isinstance(value, Tensor) else value)
        return dispatch.return_and_correct_aliasing(func, args, kwargs, made)


def on_stand_in(work: Callable[..., Result], *args: Any) -> Result:
    """`work(*args)` in a process that has the device, and whose pools of models are on it."""
    ours, theirs = FORKS.Pipe()
    process = FORKS.Process(target=_perform, args=(theirs, work, args))
    process.start()
    theirs.close()
    assert ours.poll(SECONDS), "it takes too long"
    done, value = ours.recv()
    process.join()
    assert done, value
    result: Result = value
    return result


def _perform(answers: Connection, work: Callable[..., object], args: tuple[Any, ...]) -> None:
    from models import device
    from pipeline.pool import model_pool
    from pipeline.training import rvc

    try:
        register()
        torch.set_num_threads(1)
        with (
            patch.object(model_pool, "choose", torch.device),
            patch.object(device, "has_bf16", _is_here),
            patch.object(rvc, "has_bf16", _is_here),
        ):
            answers.send((True, work(*args)))
    except BaseException:
        answers.send((False, traceback.format_exc()))


def _is_here(device: torch.device) -> bool:
    return device.type == NAME


def register() -> None:
    """Have torch know the device."""
    from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

    module: Any = _DummyBackendModule()
    module.get_amp_supported_dtype = lambda: [torch.bfloat16, torch.float16]
    _setup_privateuseone_for_python_backend(NAME, backend_module=module)
    library: Any = torch.library
    kernels, everything = (library.Library(name, "IMPL") for name in ("aten", "_"))
    LIBRARIES.extend((kernels, everything))
    for name, kernel in (("empty.memory_format", _empty), ("empty_strided", _empty_strided), ("_copy_from", _copy)):
        kernels.impl(name, kernel, BACKEND)
    for name in MADE.split():
        kernels.impl(name, _maker(_named(name)), BACKEND)
    everything.fallback(library.fallthrough_kernel, AUTOCAST)
    for names, choose in ((LOWER, _half), (FLOAT32, _float32), (WIDEST, _widest)):
        for name in names.split():
            kernels.impl(name, _casting(_named(name), choose), AUTOCAST)


def _named(name: str) -> Any:
    packet, _, overload = name.partition(".")
    return getattr(getattr(aten, packet), overload or "default")


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """What lies in tuples, lists and dicts, changed; torch's own trees take most of an operation's time."""
    if isinstance(value, tuple | list):
        return type(value)(_each(part, change) for part in value)
    if isinstance(value, dict):
        return {name: _each(part, change) for name, part in value.items()}
    return change(value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _leaves(part)
    else:
        yield value


def _check(func: Any, args: Any, kwargs: Any) -> None:
    """Raise WrongDevice as CUDA raises."""
    tensors = [value for value in _leaves((args, kwargs)) if isinstance(value, Tensor)]
    told = [value for value in (args[0], *args[2:3]) if isinstance(value, Tensor)] if func in INDEXED else tensors
    if torch.version.cuda and not torch._C._dispatch_has_computed_kernel_for_dispatch_key(func.name(), "CUDA"):
        raise WrongDevice(f"{func}: CUDA has no such operation")
    strangers = [value for value in told if value.dim() and not isinstance(value, Elsewhere)]
    if strangers and func not in ANYWHERE:
        places = [(value.device.type, tuple(value.shape)) for value in tensors]
        raise WrongDevice(f"{func}: tensors are on different devices: {places}")
    _check_generator(func, kwargs.get("generator"))


def _check_recurrent(args: Any) -> None:
    """Raise WrongDevice: what cuDNN raises at the gradient is raised before; `train` is the last but two."""
    learns = torch.is_grad_enabled() and any(
        value.requires_grad for value in _leaves(args) if isinstance(value, Tensor)
    )
    if learns and not args[6]:
        raise WrongDevice("cudnn RNN backward can only be called in training mode")


def _check_generator(func: Any, generator: torch.Generator | None) -> None:
    if generator is not None and generator.device.type != NAME:
        raise WrongDevice(f"{func}: the generator is on the {generator.device.type}")


def _held(value: Any) -> Any:
    if isinstance(value, torch.device) and value.type == NAME:
        return torch.device("cpu")
    return value.held if isinstance(value, Elsewhere) else value


def _empty(size: Any, *, dtype: Any = None, memory_format: Any = None, **_: Any) -> Tensor:
    return Elsewhere(torch.empty(size, dtype=dtype, memory_format=memory_format or torch.contiguous_format))


def _empty_strided(size: Any, stride: Any, *, dtype: Any = None, **_: Any) -> Tensor:
    return Elsewhere(torch.empty_strided(size, stride, dtype=dtype))


def _copy(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    _held(target).copy_(_held(source))
    return target


def _maker(func: Any) -> Callable[..., Tensor]:
    def make(*args: Any, device: Any = None, pin_memory: Any = None, generator: Any = None, **kwargs: Any) -> Tensor:
        _check_generator(func, generator)
        return Elsewhere(func(*args, **kwargs))

    return make


def _half(_: Sequence[Tensor]) -> torch.dtype:
    return torch.get_autocast_dtype(NAME)


def _float32(_: Sequence[Tensor]) -> torch.dtype:
    return torch.float32


def _widest(floats: Sequence[Tensor]) -> torch.dtype:
    return torch.float32 if any(value.dtype == torch.float32 for value in floats) else _half(floats)


def _casting(func: Any, choose: Callable[[Sequence[Tensor]], torch.dtype]) -> Callable[..., Any]:
    below = torch._C.DispatchKeySet(getattr(torch._C.DispatchKey, AUTOCAST))
    floating = (torch.float32, torch.bfloat16, torch.float16)

    def cast(*args: Any, **kwargs: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(below):
            floats = [x for x in _leaves((args, kwargs)) if isinstance(x, Elsewhere) and x.dtype in floating]
            wanted, known = choose(floats), {id(value) for value in floats}
            args, kwargs = _each((args, kwargs), lambda x: x.to(wanted) if id(x) in known else x)
            return func(*args, **kwargs)

    return cast


def _lstm_cell(
    given: Tensor, hidden: Tensor, cell: Tensor, bias: Tensor | None = None, other: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """What only CUDA has a kernel for: the next hidden state, the next cell, and the gates."""
    gates = given + hidden + (0 if bias is None else bias) + (0 if other is None else other)
    into, forget, new, out = gates.chunk(4, 1)
    into, forget, new, out = into.sigmoid(), forget.sigmoid(), new.tanh(), out.sigmoid()
    after = forget * cell + into * new
    return out * after.tanh(), after, torch.cat([into, forget, new, out], 1)


def _lstm_cell_backward(
    of_hidden: Tensor | None, of_cell: Tensor | None, before: Tensor, after: Tensor, gates: Tensor, has_bias: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    into, forget, new, out = gates.chunk(4, 1)
    hidden, cell = (torch.zeros_like(before) if value is None else value for value in (of_hidden, of_cell))
    tanh = after.tanh()
    cell = cell + hidden * out * (1 - tanh**2)
    parts = [
        cell * new * into * (1 - into),
        cell * before * forget * (1 - forget),
        cell * into * (1 - new**2),
        hidden * tanh * out * (1 - out),
    ]
    of_gates = torch.cat(parts, 1)
    return of_gates, cell * forget, of_gates.sum(0) if has_bias else None


WRITTEN_OUT = {
    aten._thnn_fused_lstm_cell.default: _lstm_cell,
    aten._thnn_fused_lstm_cell_backward_impl.default: _lstm_cell_backward,
}
