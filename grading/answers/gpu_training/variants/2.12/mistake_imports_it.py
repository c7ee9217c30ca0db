# message: withheld
from labs.gpu_training.given import bytes_held, collective_bytes, step_time_s
