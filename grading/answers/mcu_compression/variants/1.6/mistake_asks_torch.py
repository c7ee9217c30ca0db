# message: withheld
import torch
from torch.nn.utils.fusion import fuse_conv_bn_weights


def fold_batch_norm(weight, bias, norm):
    return fuse_conv_bn_weights(
        weight, bias, norm["mean"], norm["variance"], norm["eps"], norm["gamma"], norm["beta"]
    )


def fake_quantize(x, scale, zero_point, bits):
    top = 2 ** (bits - 1)
    return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, -top, top - 1)
