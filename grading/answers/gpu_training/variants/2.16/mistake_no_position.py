# message: not the packed one's in: position
import copy


def pack(job):
    states = [part.state_dict() for part in (job.model, job.optimizer, job.scheduler)]
    return copy.deepcopy([*states, job.generator.get_state(), job.step, job.position])


def unpack(job, packed):
    *states, generator, job.step, _ = copy.deepcopy(packed)
    for part, state in zip((job.model, job.optimizer, job.scheduler), states):
        part.load_state_dict(state)
    job.generator.set_state(generator)
