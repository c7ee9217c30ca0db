"""Published caches, from the shapes."""

import pytest

from labs.seminar.inference_serving import given
from labs.seminar.inference_serving.published import (
    H100_BANDWIDTH_BYTES_PER_S,
    H100_OPS_PER_S,
    OPT_13B_CACHE_GB,
    OPT_13B_REQUEST_GB,
    OPT_13B_TOKEN_KIB,
    SHAPES,
)


def bytes_of(name: str, tokens: int) -> float:
    """Return the bytes of one sequence in 2 bytes a number."""
    return given.cache_bytes(SHAPES[name].as_dict(), tokens=tokens, batch=1, number_bytes=2)


def test_opt_13b_as_in_the_paper_on_vllm() -> None:
    """Kwon and others, SOSP 2023, section 3: "800 KB" a token, "as much as 1.6 GB" a request.

    2 x 5120 x 40 x 2 B = 819,200 B, which the paper writes as 800 KB: KiB. 2048 tokens of it are
    1.68 x 10^9 B or 1.5625 GiB, both of which one digit rounds to about 1.6.
    """
    assert bytes_of("OPT-13B", 1) == 1024 * OPT_13B_TOKEN_KIB
    longest = bytes_of("OPT-13B", 2048)
    assert round(longest / 2**30, 1) == pytest.approx(OPT_13B_REQUEST_GB)
    assert longest / 1e9 == pytest.approx(OPT_13B_REQUEST_GB, rel=0.05)


def test_room_for_few_longest_requests() -> None:
    """Figure 1 of the same paper: 26 GB of weights and over 30 % of 40 GB for the cache."""
    assert 2 * SHAPES["OPT-13B"].parameters == 26e9
    assert 0.3 * 40 <= OPT_13B_CACHE_GB <= 40 - 26
    fit = given.sequences_that_fit(12e9, bytes_of("OPT-13B", 1), lengths=[2048] * 20, block=1)
    assert fit == 7


def test_shared_keys_shrink_a_cache_by_the_queries_that_share_them() -> None:
    # Llama-2-7B has 32 KV heads for 32 queries, Llama-3-8B 8: a quarter, at equal layers.
    assert bytes_of("Llama-2-7B", 1) == 512 * 1024 == 4 * bytes_of("Llama-3-8B", 1)
    # 80 x 8 x 128 x 2 x 2 B; eight devices that share 16,384 tokens hold 640 MiB each.
    assert bytes_of("Llama-2-70B", 16_384) / 8 == 640 * 2**20


@pytest.mark.parametrize("name", ["OPT-13B", "Llama-2-7B"])
def test_shapes_fit_their_parameters(name: str) -> None:
    """Twelve width-squared weights a layer, and embeddings of at most 6 % for these two."""
    shape = SHAPES[name]
    assert shape.width == shape.kv_heads * shape.head_width
    in_layers = 12 * shape.layers * shape.width**2
    assert 0.94 <= in_layers / shape.parameters <= 1.0


def test_the_roof_of_the_data_sheet_bends_near_295() -> None:
    """989 x 10^12 over 3.35 x 10^12: NVIDIA's data sheet of the H100 SXM, dense bfloat16."""
    assert round(H100_OPS_PER_S / H100_BANDWIDTH_BYTES_PER_S) == 295
