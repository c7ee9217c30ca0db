# message: withheld
from labs.seminar.inference_performance.given import float32_threshold, ordered_code
