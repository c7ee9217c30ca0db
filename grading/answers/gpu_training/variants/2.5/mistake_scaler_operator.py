# message: withheld
import torch


def choose_precision(capability):
    if capability is None:
        return "float32", False
    return ("bfloat16", False) if capability[0] >= 8 else ("float16", True)


def scaler_step(gradients, scale, good_steps, growth_interval):
    tensors = [torch.tensor(g) for g in gradients]
    found = torch.zeros(1)
    torch._amp_foreach_non_finite_check_and_unscale_(tensors, found, torch.tensor([1 / scale]))
    now, tracker = torch.tensor([scale]), torch.tensor([good_steps], dtype=torch.int32)
    torch._amp_update_scale_(now, tracker, found, 2.0, 0.5, growth_interval)
    unscaled = None if found.item() else [t.numpy() for t in tensors]
    return unscaled, now.item(), int(tracker.item())
