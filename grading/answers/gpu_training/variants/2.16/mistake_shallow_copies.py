# message: pack copies
import copy


def pack(job):
    states = [part.state_dict() for part in (job.model, job.optimizer, job.scheduler)]
    return [*map(dict, states), job.generator.get_state(), job.step, job.position]


def unpack(job, packed):
    *states, generator, job.step, job.position = copy.deepcopy(packed)
    for part, state in zip((job.model, job.optimizer, job.scheduler), states):
        part.load_state_dict(state)
    job.generator.set_state(generator)
