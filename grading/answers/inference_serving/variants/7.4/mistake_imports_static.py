# message: withheld
from labs.seminar.inference_serving.policies import static_batching


def schedule(waiting, running, *, cache_tokens, most_running):
    return static_batching(waiting, running, cache_tokens=cache_tokens, most_running=most_running)
