# message: withheld
from labs.seminar.model_management.given import layer_hash, tensor_hash
