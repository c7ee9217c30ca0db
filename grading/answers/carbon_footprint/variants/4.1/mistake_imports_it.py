# message: withheld
from labs.seminar.carbon_footprint.given import operational_g
