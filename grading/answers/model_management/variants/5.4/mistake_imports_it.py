# message: withheld
from labs.seminar.model_management.given import chain_plan, update_saving
