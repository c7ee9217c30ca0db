/* Measures model_run on a real board with the cycle counter of its core (DWT->CYCCNT).

   After reset most chips run slowly, from an oscillator of their own, and their flash needs no wait
   states: cycles measured so are those to compare with the estimate. For the time at full speed set
   clock, wait states and caches first; the vendor's start-up code does.

   board_cycles holds the cycles of each run once board_is_done is 1: look with a debugger, or define
   board_print, which is called after each run, with a serial port behind it. */

#include <stdint.h>

#define BOARD_RUNS @RUNS@

void model_run(void);

volatile uint32_t board_cycles[BOARD_RUNS];
volatile uint32_t board_is_done;

/* cycles: of one run, modulo 2^32. */
__attribute__((weak)) void board_print(uint32_t cycles) { (void)cycles; }

int main(void) {
  volatile uint32_t *monitor = (volatile uint32_t *)0xE000EDFCu; /* CoreDebug->DEMCR */
  volatile uint32_t *control = (volatile uint32_t *)0xE0001000u; /* DWT->CTRL */
  volatile uint32_t *counter = (volatile uint32_t *)0xE0001004u; /* DWT->CYCCNT */
  *monitor |= 1u << 24;                                          /* TRCENA: the unit is on */
@UNLOCK@  *counter = 0;
  *control |= 1u; /* CYCCNTENA: it counts */
  for (int run = 0; run < BOARD_RUNS; run++) {
    uint32_t start = *counter;
    model_run();
    board_cycles[run] = *counter - start;
    board_print(board_cycles[run]);
  }
  board_is_done = 1;
  return 0;
}
