# message: withheld
from labs.gpu_training.given import backward_in_segments
