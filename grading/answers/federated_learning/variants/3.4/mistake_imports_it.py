# message: withheld
from labs.federated_learning.given.drift import (
    client_steps,
    fed_adam,
    new_variate,
    update_cosine,
)
