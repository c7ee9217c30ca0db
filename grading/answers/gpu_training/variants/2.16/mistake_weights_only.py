# message: not the packed one's in: optimiser, schedule, generator, step
import copy


def pack(job):
    states = [part.state_dict() for part in (job.model,)]
    return copy.deepcopy([*states, job.generator.get_state(), job.step, job.position])


def unpack(job, packed):
    states = copy.deepcopy(packed)[:1]
    for part, state in zip((job.model,), states):
        part.load_state_dict(state)
