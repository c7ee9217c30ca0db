# message: withheld
from labs.seminar.model_management.given import changed_leaves, merkle_levels
