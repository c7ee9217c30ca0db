/* Counts how often each basic block of an emulated program runs: the emulator calls count_block
   before every block. Compiled for this machine when it is first needed; the layout of the
   structure is that of State in block_counts.py. */

typedef unsigned int u32;
typedef unsigned long long u64;

typedef struct {
  u64 start;     /* address of the first half-word of the program in flash */
  u64 slots;     /* its half-words: places where a block can begin */
  u64 issued;    /* half-words of all blocks so far */
  u64 budget;    /* the emulation stops when more than these have run */
  u64 previous;  /* slot of the block before, or all ones */
  u64 expected;  /* address that follows the block before */
  u64 is_spent;  /* 1 once the budget was exceeded */
  u64 strays;    /* blocks outside the program */
  u32 *runs;     /* [slots]: how often the block that begins there has run */
  u32 *sizes;    /* [slots]: its bytes */
  u32 *jumps;    /* [slots]: how often something else than the next address followed it */
  int (*stop)(void *emulator);
} State;

void count_block(void *emulator, u64 address, u32 bytes, State *state) {
  u64 slot = (address - state->start) >> 1;
  if (state->previous != ~0ull && address != state->expected)
    state->jumps[state->previous]++;
  state->expected = address + bytes;
  state->previous = ~0ull;
  if (slot >= state->slots) {
    state->strays++;
    return;
  }
  state->issued += bytes >> 1;
  if (state->issued > state->budget) {
    state->is_spent = 1;
    state->stop(emulator);
    return;
  }
  state->runs[slot]++;
  state->sizes[slot] = bytes;
  state->previous = slot;
}
