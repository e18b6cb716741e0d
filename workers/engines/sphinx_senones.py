"""How well frames fit the states of an acoustic model: all Gaussians, all frames, one run.

CMU Sphinx takes the best few Gaussians of each phone; here all count, since in a product of matrices
they cost less than the search for the best. A frame comes out the same, bit for bit, whatever its company.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workers.engines.onnx_graph import GraphWriter, open_session
from workers.engines.sphinx_features import VALUES
from workers.engines.sphinx_model import AcousticModel

PARTS_OF_A_NAT = 1024
_LEAST_LIKELY = 1e-5
"""Of a frame's likelihood in a stream, what a state gets at the least: it bounds what an odd frame costs."""
_MOST_ROWS = 64
_FEWEST_ROWS = 2
"""A single row takes another way through the library, and is rounded otherwise."""
_UNEVEN = 2
"""In a product, phones have up to so many times as many states as those with the fewest."""


class SenoneScorer:
    """Scores the given senones of a model."""

    def __init__(self, model: AcousticModel, wanted: NDArray[np.intp]) -> None:
        phones = model.definition.phone_of_senone()[wanted]
        groups = list(_groups(np.bincount(phones, minlength=len(model.definition.phones))))
        self._columns = np.empty(len(wanted), np.intp)
        graph = GraphWriter()
        order = np.concatenate(groups)
        streams = [_likelihoods(graph, model, stream, order) for stream in range(len(model.means))]
        parts, column, first = [], 0, 0
        for group in groups:
            members = [np.flatnonzero(phones == phone) for phone in group]
            width = max(map(len, members))
            for number, found in enumerate(members):
                self._columns[found] = column + number * width + np.arange(len(found))
            weights = _weights(model, [wanted[found] for found in members], width)
            parts.append(_mixed(graph, streams, (first, first + len(group)), weights))
            column, first = column + len(group) * width, first + len(group)
        graph.apply("Concat", *parts, outputs=["scores"], axis=1)
        self._session = open_session(graph.model({"features": ("rows", VALUES)}, ["scores"]))

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.int32]:
        """Log likelihoods of shape (rows, senones), less what is the same for all, in 1/1024 nat.

        Whole numbers add up to the same whatever the order.
        """
        pieces = [self._piece(features[at : at + _MOST_ROWS]) for at in range(0, len(features), _MOST_ROWS)]
        return np.concatenate(pieces) if pieces else np.zeros((0, len(self._columns)), np.int32)

    def _piece(self, features: NDArray[np.float32]) -> NDArray[np.int32]:
        rows = len(features)
        padded = np.resize(features, (max(rows, _FEWEST_ROWS), VALUES))
        scores = self._session.run(None, {"features": padded})[0][:rows]
        parts: NDArray[np.int32] = np.rint(scores[:, self._columns] * PARTS_OF_A_NAT).astype(np.int32)
        return parts


def _groups(counts: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Phones whose states are about as many, since those of a group are padded to the most."""
    order = np.argsort(counts, kind="stable")
    begun = 0
    for at, phone in enumerate(order):
        if counts[phone] > _UNEVEN * counts[order[begun]]:
            yield order[begun:at]
            begun = at
    yield order[begun:]


def _likelihoods(graph: GraphWriter, model: AcousticModel, stream: int, phones: NDArray[np.intp]) -> str:
    """Of all Gaussians of a stream, as shares of their sum, of shape (phones, rows, densities)."""
    means, variances = (part[stream][phones].astype(np.float64) for part in (model.means, model.variances))
    densities, size = means.shape[1:]
    constant = -0.5 * (np.log(2 * np.pi * variances) + means**2 / variances).sum(axis=2)
    factors = np.concatenate([-0.5 / variances, means / variances], axis=2).reshape(-1, 2 * size).T
    values = graph.slice("features", (stream * size, (stream + 1) * size, 1), axis=1)
    row = graph.apply("Concat", graph.apply("Mul", values, values), values, axis=1)
    product = graph.apply("MatMul", row, graph.constant(factors.astype(np.float32)))
    logs = graph.apply("Add", product, graph.constant(constant.reshape(-1).astype(np.float32)))
    shares = graph.apply(
        "Reshape", graph.apply("Softmax", logs, axis=1), graph.whole(-1, len(phones), densities)
    )
    return graph.apply("Transpose", shares, perm=(1, 0, 2))


def _mixed(
    graph: GraphWriter, streams: Sequence[str], phones: tuple[int, int], weights: NDArray[np.float32]
) -> str:
    """Log likelihoods, of shape (rows, phones * width), of the states of some phones."""
    least = graph.constant(np.array([_LEAST_LIKELY], np.float32))
    product = ""
    for likelihoods, matrix in zip(streams, weights, strict=True):
        some = graph.slice(likelihoods, (*phones, 1), axis=0)
        mixed = graph.apply("Add", graph.apply("MatMul", some, graph.constant(matrix)), least)
        product = graph.apply("Mul", product, mixed) if product else mixed
    rows = graph.apply("Transpose", graph.apply("Log", product), perm=(1, 0, 2))
    return graph.apply("Reshape", rows, graph.whole(-1, (phones[1] - phones[0]) * weights.shape[-1]))


def _weights(model: AcousticModel, senones: Sequence[NDArray[np.intp]], width: int) -> NDArray[np.float32]:
    """Of shape (streams, phones, densities, width)."""
    streams, densities, _ = model.log_weights.shape
    weights = np.zeros((streams, len(senones), densities, width), np.float32)
    for number, some in enumerate(senones):
        weights[:, number, :, : len(some)] = np.exp(model.log_weights[:, :, some])
    return weights
