# message: withheld
from labs.seminar.carbon_footprint.given import requests_to_match, training_split_t
