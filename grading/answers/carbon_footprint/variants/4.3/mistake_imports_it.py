# message: withheld
from labs.seminar.carbon_footprint.given import bill_g
