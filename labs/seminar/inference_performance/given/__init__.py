"""The functions that stand in for yours until yours are right, one module a topic.

They take other ways than the exercises ask for, so there is nothing to copy; while your own
function is checked, this package is out of reach.
"""

from labs.seminar.inference_performance.given.batching import batched_latencies
from labs.seminar.inference_performance.given.c_code import if_else
from labs.seminar.inference_performance.given.calls import overhead_and_work
from labs.seminar.inference_performance.given.forest_bounds import score_bounds
from labs.seminar.inference_performance.given.frames import framed_order
from labs.seminar.inference_performance.given.layer_bounds import layer_bound
from labs.seminar.inference_performance.given.thresholds import float32_threshold, ordered_code
from labs.seminar.inference_performance.given.widths import accumulator_bits

__all__ = [
    "accumulator_bits",
    "batched_latencies",
    "float32_threshold",
    "framed_order",
    "if_else",
    "layer_bound",
    "ordered_code",
    "overhead_and_work",
    "score_bounds",
]
