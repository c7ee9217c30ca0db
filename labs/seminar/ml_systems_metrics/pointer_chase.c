/* Two loops over memory whose time says where the data lies. No C library, no floating point.

   chase: next (elements), uint32, each the index of the element to go to. Every load needs the
   result of the one before, so nothing overlaps and the time of a step is a latency.

   strided_sum: data (elements), int32. Loads are independent, so the time of a step is what is left
   when hardware fetches ahead; `mask` is elements - 1, with elements a power of two. */
#include <stdint.h>

uint32_t chase(const uint32_t *next, int64_t steps, uint32_t start) {
    uint32_t at = start;
    for (int64_t step = 0; step < steps; step++) at = next[at];
    return at;
}

int32_t strided_sum(const int32_t *data, int64_t steps, int64_t stride, int64_t mask) {
    uint32_t sum = 0;
    int64_t at = 0;
    for (int64_t step = 0; step < steps; step++) {
        sum += (uint32_t)data[at];
        at = (at + stride) & mask;
    }
    return (int32_t)sum;
}
