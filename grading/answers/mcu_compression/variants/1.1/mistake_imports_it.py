# message: withheld
from labs.mcu_compression.given import arithmetic_energy_uj, relative_energy
