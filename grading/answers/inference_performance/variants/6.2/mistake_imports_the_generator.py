# message: withheld
from labs.seminar.inference_performance.conditionals import conditional


def if_else(tree):
    samples = {"samples": tree["feature"]}
    return conditional(tree | samples, hot_first=False).replace("key", "int32_t")
