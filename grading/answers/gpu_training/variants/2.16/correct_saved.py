import io

import numpy as np
import torch


def pack(job):
    state = {
        "parts": [job.model.state_dict(), job.optimizer.state_dict(), job.scheduler.state_dict()],
        "generator": job.generator.get_state(),
        "places": (job.step, job.position),
    }
    torch.save(state, file := io.BytesIO())
    return np.frombuffer(file.getvalue(), dtype=np.uint8)


def unpack(job, packed):
    state = torch.load(io.BytesIO(np.asarray(packed).tobytes()), weights_only=True)
    for part, inner in zip([job.model, job.optimizer, job.scheduler], state["parts"]):
        part.load_state_dict(inner)
    job.generator.set_state(state["generator"])
    job.step, job.position = state["places"]
