"""One process, the whole batch: the answer that every strategy must reproduce."""

import time
from typing import Any

import torch

from labs.gpu_training.workload import Workload, loss_of, weights_of


def train(workload: Workload, *, device: str = "cpu") -> dict[str, Any]:
    """Train and return ``weights``, ``losses`` and ``step_s``."""
    model = workload.model().to(device)
    optimizer = workload.optimizer(model)
    losses, step_s = [], []
    for step in range(workload.steps):
        x, y = (part.to(device) for part in workload.batch_of(step))
        start_s = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(model, x, targets=y)
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
        step_s.append(time.perf_counter() - start_s)
    return {"weights": weights_of(model), "losses": losses, "step_s": step_s}
