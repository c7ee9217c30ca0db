# message: withheld
from labs.seminar.model_management.given import replay
