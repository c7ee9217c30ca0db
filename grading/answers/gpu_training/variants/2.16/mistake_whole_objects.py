# message: a value of type Job
import copy


def pack(job):
    return copy.deepcopy(job)


def unpack(job, packed):
    job.__dict__.update(copy.deepcopy(packed).__dict__)
