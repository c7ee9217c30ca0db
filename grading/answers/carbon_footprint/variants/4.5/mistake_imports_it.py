# message: withheld
from labs.seminar.carbon_footprint.given import sci_g
