# message: withheld
from labs.seminar.inference_serving.given import (
    int8_token_bytes,
    quantize_tokens,
    score_error_bound,
)
