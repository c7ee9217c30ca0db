# message: withheld
from labs.mcu_compression.given import pointwise_source
