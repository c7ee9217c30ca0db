# message: withheld
from labs.federated_learning.given import break_even_rounds, training_carbon_g
