"""The layers that users build with, as Modules that claims share, and what they mean by formulas.

Kernels are set by hand: an initialiser that draws would cost more than all the rest of a case. The
formulas are compiled, since each operation of its own would be compiled by itself.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax  # type: ignore[import-untyped]
from flax import nnx

from conformance.harness import spelling
from conformance.harness.descriptions import variables
from conformance.harness.twins import WIDTH

RATE, MOMENTUM = 0.125, 0.5  # of an optimizer
EPSILON = np.float32(1e-5)  # of a BatchNorm
TOKENS = np.array([2, 0, 1])

Array = np.ndarray[Any, Any]


def quarters(key: Any, shape: tuple[int, ...], dtype: Any = np.float32) -> jax.Array:
    """An initialiser that draws nothing: quarters, in ascending order."""
    return jnp.asarray(_quarters(*shape))


def _quarters(*shape: int) -> Array:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / np.float32(4)


def linear(features: int = WIDTH, element: Any = 0, **options: Any) -> nnx.Linear:
    """A Linear that takes WIDTH features; what is in it depends on `element`."""
    options = {"kernel_init": quarters, "bias_init": quarters} | options
    layer = nnx.Linear(WIDTH, features, rngs=nnx.Rngs(0), **options)
    for parameter in (layer.kernel, layer.bias):
        spelling.add(parameter, element)
    return layer


def kernel_and_bias(features: int = WIDTH, element: float = 0) -> tuple[Array, Array]:
    """The arrays of such a `linear`."""
    kernel, bias = _quarters(WIDTH, features), _quarters(features)
    return kernel + np.float32(element), bias + np.float32(element)


class Dense(nnx.Module):
    """One Linear."""

    def __init__(self, element: Any = 0, features: int = WIDTH, **options: Any) -> None:
        self.linear = linear(features, element, **options)

    def __call__(self, x: jax.Array) -> Any:
        return self.linear(x)


class Network(nnx.Module):
    """A body and a head, both of them Linear."""

    def __init__(self, element: int = 0) -> None:
        self.body = linear(element=element)
        self.head = linear(element=-element)

    def __call__(self, x: jax.Array) -> Any:
        return self.head(self.body(x))


class Normalised(nnx.Module):
    """BatchNorm of a single feature, which takes the numbers of its input for a batch."""

    def __init__(self, element: int = 0, **options: Any) -> None:
        # The fast variance is the difference of two squares: its rounding would be seen.
        options = {"momentum": 0.5, "use_fast_variance": False} | options
        self.norm = nnx.BatchNorm(1, rngs=nnx.Rngs(0), **options)
        spelling.add(self.norm.scale, element)
        spelling.add(self.norm.bias, element)

    def __call__(self, x: jax.Array) -> Any:
        return self.norm(x.reshape(-1, 1)).reshape(x.shape) * x


@jax.jit
def _normalised(
    x: jax.Array, scale: jax.Array, bias: jax.Array, mean: jax.Array, var: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    of_batch = x.mean(), x.var()
    y = (x - of_batch[0]) / jnp.sqrt(of_batch[1] + EPSILON) * scale + bias
    return y * x, (mean + of_batch[0]) / 2, (var + of_batch[1]) / 2


def normalised_by_hand(model: Normalised, x: jax.Array) -> Any:
    """What a use of a Normalised in training means."""
    norm = model.norm
    arrays = map(spelling.read, (norm.scale, norm.bias, norm.mean, norm.var))
    y, mean, var = _normalised(x, *arrays)
    spelling.write(norm.mean, mean)
    spelling.write(norm.var, var)
    return y


class Tied(nnx.Module):
    """An embedding that turns tokens into features, and features into a score of each token."""

    def __init__(self, element: int = 0) -> None:
        self.embed = nnx.Embed(WIDTH, 2, embedding_init=quarters, rngs=nnx.Rngs(0))
        spelling.add(self.embed.embedding, element)
        self.decode = Decoder(self.embed)

    def __call__(self, x: jax.Array) -> Any:
        return self.decode(x @ self.embed(TOKENS))


@jax.jit
def scores_by_hand(table: jax.Array, x: jax.Array) -> jax.Array:
    """What a use of a Tied gives, whose embedding is `table`."""
    return table @ (x @ table[TOKENS])


class Decoder(nnx.Module):
    """The scores of all tokens, by an embedding that it shares."""

    def __init__(self, embed: nnx.Embed) -> None:
        self.embed = embed

    def __call__(self, features: jax.Array) -> Any:
        return self.embed.attend(features)


def sgd(momentum: float | None = None) -> Any:
    """Gradient descent at the rate of these claims."""
    return optax.sgd(RATE, momentum=momentum)


def squared_error(model: Any, x: jax.Array, target: jax.Array) -> Any:
    """The loss that is trained on."""
    return ((model(x) - target) ** 2).sum()


def train_step(model: Any, optimizer: Any, x: jax.Array, target: jax.Array) -> Any:
    """A step of training, as users write it."""
    loss, gradients = nnx.value_and_grad(squared_error)(model, x, target)
    spelling.apply_gradients(optimizer, model, gradients)
    return loss


class Training:
    """The training of a Dense, by formulas on plain arrays."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = dict(zip(("kernel", "bias"), kernel_and_bias(), strict=True))
        self.velocities = {name: np.zeros_like(array) for name, array in self.arrays.items()}
        self.steps = 0

    def step(self, x: Array, target: Array) -> Array:
        """One step; gives the loss."""
        error = x @ self.arrays["kernel"] + self.arrays["bias"] - target
        gradients = {"kernel": 2 * x.T @ error, "bias": 2 * error.sum(0)}
        for name, gradient in gradients.items():
            velocity = np.float32(MOMENTUM) * self.velocities[name] + gradient
            self.velocities[name] = velocity
            self.arrays[name] = self.arrays[name] - np.float32(RATE) * velocity
        self.steps += 1
        return np.asarray((error**2).sum())

    def told(self) -> dict[str, Any]:
        """What a Dense and its optimizer hold after these steps."""
        return {
            "parameters": self.arrays,
            "momentum": self.velocities,
            "steps": np.asarray(np.uint32(self.steps)),
        }


def trained(model: Dense, optimizer: Any) -> dict[str, Any]:
    """What a Dense and its optimizer hold, in the words of `Training.told`."""
    momentum = {
        path[-1]: spelling.read(variable)
        for path, variable in variables(optimizer).items()
        if path[0] == "opt_state"
    }
    parameters = {name: getattr(model.linear, name) for name in ("kernel", "bias")}
    return {
        "parameters": {name: spelling.read(variable) for name, variable in parameters.items()},
        "momentum": momentum,
        "steps": spelling.read(optimizer.step),
    }


def batch(number: int = 0) -> tuple[Array, Array]:
    """A batch of two inputs and their targets."""
    x = np.arange(2 * WIDTH, dtype=np.float32).reshape(2, WIDTH) / 4 - number / 2
    return x, x[::-1] + 1
