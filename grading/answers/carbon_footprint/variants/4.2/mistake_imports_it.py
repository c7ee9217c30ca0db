# message: withheld
from labs.seminar.carbon_footprint.given import logic_g
