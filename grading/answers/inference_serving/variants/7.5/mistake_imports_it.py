# message: withheld
from labs.seminar.inference_serving.given import percentiles, request_times
