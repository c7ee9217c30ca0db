# message: withheld
from labs.gpu_training.given import attainable_ops_per_s, linear_intensity, step_ops
