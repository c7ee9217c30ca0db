# message: withheld
from labs.federated_learning.given import count_answers, next_action, roll_back
