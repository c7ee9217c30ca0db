# message: withheld
from labs.seminar.inference_performance.given import batched_latencies
