"""What the sliders show, against division."""

import pytest

from labs.seminar.inference_serving import given
from labs.seminar.inference_serving.capacity_explorer import NUMBER_BYTES, CapacityExplorer
from labs.seminar.inference_serving.published import SHAPES

EXPLORER = CapacityExplorer(given.cache_bytes, given.sequences_that_fit)


@pytest.mark.parametrize("network", list(SHAPES))
@pytest.mark.parametrize("dtype", list(NUMBER_BYTES))
def test_curves_are_memory_over_blocks(network: str, dtype: str) -> None:
    shape = SHAPES[network]
    token = 2 * shape.layers * shape.kv_heads * shape.head_width * NUMBER_BYTES[dtype]
    reserved, blocks = EXPLORER.series(network, 20, dtype=dtype).values()
    assert [x for x, _ in reserved] == [shape.context // 2**k for k in range(6, -1, -1)]
    assert {y.value for _, y in reserved} == {20e9 // (token * shape.context)}
    for tokens, y in blocks:
        assert y.value == 20e9 // (token * 16 * -(-tokens // 16))
    assert reserved[-1] == blocks[-1]  # at the full context both reserve it


def test_the_picture_says_what_it_finds() -> None:
    picture = EXPLORER.picture("OPT-13B", 12, dtype="float16")
    # 128 tokens of 800 KiB are 104,857,600 B: 114 times into 12 GB; of 2048 tokens 7 times.
    assert "128 tokens each 114 sequences fit in blocks, 7 with room" in picture.alt


def test_without_a_front_end_a_picture_is_left(capsys) -> None:
    EXPLORER._ipython_display_()
    assert "114 sequences" in capsys.readouterr().out
