import copy


def pack(job):
    packed = {
        "model": {name: value.clone() for name, value in job.model.state_dict().items()},
        "optimizer": copy.deepcopy(job.optimizer.state_dict()),
        "scheduler": dict(job.scheduler.state_dict()),
        "generator": job.generator.get_state(),
    }
    packed.update(step=job.step, position=job.position)
    return packed


def unpack(job, packed):
    job.model.load_state_dict(packed["model"])
    job.optimizer.load_state_dict(copy.deepcopy(packed["optimizer"]))
    job.scheduler.load_state_dict(dict(packed["scheduler"]))
    job.generator.set_state(packed["generator"])
    job.step = packed["step"]
    job.position = packed["position"]
