"""The functions that stand in for yours until yours are right, one module a topic.

They ask a library for what you are asked to work out, so there is nothing to copy; while your own
function is checked, this package and those libraries are out of reach.
"""

from labs.mcu_compression.given.affine import affine_parameters, channel_scales, quantize
from labs.mcu_compression.given.counting import count_layers
from labs.mcu_compression.given.detection import error_rates, false_alarm_bound, smooth
from labs.mcu_compression.given.features import frame, log_mel, mfcc
from labs.mcu_compression.given.operations import arithmetic_energy_uj, relative_energy
from labs.mcu_compression.given.pruning import magnitude_mask, shrink_groups, strongest_channels
from labs.mcu_compression.given.quantization import fake_quantize, fold_batch_norm
from labs.mcu_compression.given.training import confusion, top1_of_speakers

__all__ = [
    "affine_parameters",
    "arithmetic_energy_uj",
    "channel_scales",
    "confusion",
    "count_layers",
    "error_rates",
    "fake_quantize",
    "false_alarm_bound",
    "fold_batch_norm",
    "frame",
    "log_mel",
    "magnitude_mask",
    "mfcc",
    "quantize",
    "relative_energy",
    "shrink_groups",
    "smooth",
    "strongest_channels",
    "top1_of_speakers",
]
