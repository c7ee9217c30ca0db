"""Shapes of published networks and devices, with where they are published.

They are what the exercises on bytes and intensities are tried on; nothing of them is run here.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """What the size of a cache, and the work of a step, depend on.

    Parameters
    ----------
    parameters
        Weights of the network.
    layers, width
        Blocks; features of a token.
    kv_heads, head_width
        Heads that have keys and values of their own; features of a head.
    context
        Tokens of the longest sequence.
    source
        Where the numbers stand.
    """

    parameters: float
    layers: int
    width: int
    kv_heads: int
    head_width: int
    context: int
    source: str

    def as_dict(self) -> dict[str, float]:
        """Return the numbers by name, as the exercises take them.

        Examples
        --------
        >>> SHAPES["OPT-13B"].as_dict()["layers"]
        40
        """
        names = ("parameters", "layers", "width", "kv_heads", "head_width")
        return {name: getattr(self, name) for name in names}


_OPT = "Zhang and others: OPT, 2022, table 1"
_LLAMA2 = "Touvron and others: Llama 2, 2023, with the configurations released"
_LLAMA3 = "Grattafiori and others: The Llama 3 herd of models, 2024, table 3"
SHAPES = {
    "OPT-13B": Shape(13e9, 40, 5120, 40, 128, 2048, _OPT),
    "Llama-2-7B": Shape(6.7e9, 32, 4096, 32, 128, 4096, _LLAMA2),
    "Llama-2-70B": Shape(69e9, 80, 8192, 8, 128, 4096, _LLAMA2),
    "Llama-3-8B": Shape(8e9, 32, 4096, 8, 128, 8192, _LLAMA3),
}

# NVIDIA H100 SXM, data sheet: dense bfloat16 without sparsity, and the memory's bandwidth.
H100_OPS_PER_S = 989e12
H100_BANDWIDTH_BYTES_PER_S = 3.35e12

# Kwon and others: Efficient memory management for large language model serving with
# PagedAttention, SOSP 2023: section 3 (a token, a longest request) and figure 1 (a 40 GB device:
# 26 GB of weights, more than 30 % for the cache, hence 12 GB).
OPT_13B_TOKEN_KIB = 800
OPT_13B_REQUEST_GB = 1.6
OPT_13B_CACHE_GB = 12
