# message: withheld
from labs.mcu_compression.given import count_layers
