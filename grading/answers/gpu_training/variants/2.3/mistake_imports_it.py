# message: withheld
from labs.gpu_training.given import activation_bytes, state_bytes
