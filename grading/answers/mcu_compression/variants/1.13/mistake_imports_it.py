# message: withheld
from labs.mcu_compression.given import battery_days, latency_ms, short_of
