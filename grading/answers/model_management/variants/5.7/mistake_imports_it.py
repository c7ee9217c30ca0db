# message: withheld
from labs.seminar.model_management.given import pack_set, unpack_model
