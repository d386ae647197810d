"""DeepSHAP: multipliers of the rescale rule, through the graph of `shap.DeepExplainer` on TensorFlow.

Lundberg and Lee 2017 (NeurIPS 30:4765). On the TensorFlow backend it is exact for convolution, batch normalisation,
ReLU, maximum and average pooling, flatten, dense, dropout, addition and reversal, and silently wrong on the PyTorch
one. A failed explainer leaves TensorFlow's gradient registry patched: run an explanation in a process that does nothing
else.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from genotool.frameworks.attribution import Multipliers, Rows

__all__ = ["multipliers"]


def multipliers(network: Any) -> Multipliers:
    """Return what gives a network's multipliers: `shap_values` goes on to multiply and average them, row by row."""
    import shap

    one = np.zeros((1, *network.inputs[0].shape[1:]), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # shap's on graph mode, Keras' on a list of one input
        explainer = shap.DeepExplainer(network, one).explainer
    graph = explainer.phi_symbolic(0)

    def rise(rows: Rows, references: Rows) -> Rows:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            (gradient,) = explainer.run(graph, explainer.model_inputs, [np.concatenate([rows, references])])
        return np.asarray(gradient[len(rows) :], np.float32)

    return rise
