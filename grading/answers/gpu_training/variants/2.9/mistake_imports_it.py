# message: withheld
from labs.gpu_training.given.sharding import adamw_update, bytes_per_rank, zero1_step
