# message: a value of type
import copy


def pack(job):
    return copy.deepcopy(job.__dict__)


def unpack(job, packed):
    job = copy.deepcopy(job)
    job.__dict__.update(packed)
