import torch


def quantize_tokens(values):
    x = torch.as_tensor(values)
    scales = x.abs().amax(dim=-1, keepdim=True) / 127
    scales = torch.where(scales > 0, scales, torch.ones_like(scales))
    return (x / scales).round().clamp(-127, 127).to(torch.int8), scales.squeeze(-1)


def int8_token_bytes(model):
    numbers = model["layers"] * model["kv_heads"] * model["head_width"]
    return 2 * (numbers + 4 * model["layers"] * model["kv_heads"])


def score_error_bound(query, scales):
    q, s = torch.as_tensor(query), torch.as_tensor(scales)
    return q.norm(p=1, dim=1)[:, None] * (s / 2) * q.shape[1] ** -0.5
