/* Times one classifier row by row, from inside: no call from Python is in the times.

   classify   takes a row and returns its class
   rows, step the rows lie one after the other, `step` bytes apart
   order      numbers of the rows to be classified, `count` of them
   classes    receives a class for each of them
   ticks      receives the ticks of each call; `ticks_now` says what time a tick is
   pushed     bytes that are read and written before each call, to push the program and its data out
              of the near caches; 0 leaves them warm. `space` holds as many. */
#include <stdint.h>

#if defined(__x86_64__)
uint64_t ticks_now(void) {
  __builtin_ia32_lfence(); /* what comes before is done first */
  uint64_t now = __builtin_ia32_rdtsc();
  __builtin_ia32_lfence();
  return now;
}
#elif defined(__aarch64__)
uint64_t ticks_now(void) {
  uint64_t now;
  __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(now) : : "memory");
  return now;
}
#else
#error "no counter of ticks is known for this processor; take one with x86-64 or arm64"
#endif

typedef int (*classifier)(const void *row);

void time_rows(classifier classify, const char *rows, int64_t step, const int32_t *order,
               int64_t count, int32_t *classes, uint64_t *ticks, volatile char *space,
               int64_t pushed) {
  for (int64_t i = 0; i < count; i++) {
    for (int64_t at = 0; at < pushed; at += 64) space[at] = (char)(space[at] + 1);
    uint64_t start = ticks_now();
    classes[i] = classify(rows + step * order[i]);
    ticks[i] = ticks_now() - start;
  }
}
