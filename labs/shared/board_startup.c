/* The least that a Cortex-M needs to begin: two words at the start of flash, variables in RAM.
   For boards that are used without the vendor's start-up code; board.ld places it. */

#include <stdint.h>

int main(void);

extern const uint32_t board_data_in_flash[]; /* from the linker */
extern uint32_t board_data_start[], board_data_end[], board_bss_start[], board_bss_end[];
extern uint32_t board_stack_top[];

void board_reset(void) {
  const volatile uint32_t *from = board_data_in_flash;
  for (volatile uint32_t *to = board_data_start; to < board_data_end;) *to++ = *from++;
  for (volatile uint32_t *to = board_bss_start; to < board_bss_end;) *to++ = 0;
  main();
  for (;;) {
  }
}

/* Every fault ends here; a debugger shows it. */
void board_fault(void) {
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) const void *const board_vectors[16] = {
    board_stack_top, (const void *)board_reset, (const void *)board_fault,
    (const void *)board_fault, (const void *)board_fault, (const void *)board_fault,
    (const void *)board_fault};
