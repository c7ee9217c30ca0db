# message: withheld
from labs.seminar.inference_serving.given import cache_bytes, sequences_that_fit
