# message: withheld
from labs.mcu_compression.given import error_rates, false_alarm_bound, smooth
