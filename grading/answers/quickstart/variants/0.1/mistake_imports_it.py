# message: withheld
from labs.quickstart.given import conv_cost
