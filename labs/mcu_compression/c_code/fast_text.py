"""The C of the fast stage, as templates: names between @ are replaced by `fast`.

Written for the DSP extension of Cortex-M4, M7 and M33. Sums are kept twice as large as they are:
SMMULR of a doubled sum and the multiplier is the doubling high product of TensorFlow Lite.
"""

PRELUDE = """\
/* Returns a * b / 2^32, rounded to the nearest. */
static inline __attribute__((always_inline)) int32_t smmulr(int32_t a, int32_t b) {
  int32_t high;
  __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
  return high;
}

/* Sums of products of four places with two output channels, a and b, for the codes x and the paired
   weights w; until x reaches end. sums: a of places 0 to 3, times 256 and with b on top; then b.
   x: [pair of codes][place], two codes in each word, a multiple of 8 words;
   w: [pair of codes], in each half-word 256 * (weight of a) + (weight of b).
   A half-word times a code adds to both sums at once; its low byte, sign extended, is b alone. */
__attribute__((naked, noinline)) static void dot_four(const uint32_t *x, const int16_t *w,
                                                      const uint32_t *end, uint32_t *sums) {
  __asm__ volatile(
      "push {r2-r11, lr}\\n"
      "mov r4, #0\\n mov r5, #0\\n mov r6, #0\\n mov r7, #0\\n"
      "mov r8, #0\\n mov r9, #0\\n mov r10, #0\\n mov r11, #0\\n"
      "1:\\n"
      ".rept 4\\n"
      "ldr r2, [r1], #4\\n sxtb16 r3, r2\\n"
      "ldrd r12, lr, [r0], #8\\n"
      "smlad r4, r12, r2, r4\\n smlad r8, r12, r3, r8\\n"
      "smlad r5, lr, r2, r5\\n smlad r9, lr, r3, r9\\n"
      "ldrd r12, lr, [r0], #8\\n"
      "smlad r6, r12, r2, r6\\n smlad r10, r12, r3, r10\\n"
      "smlad r7, lr, r2, r7\\n smlad r11, lr, r3, r11\\n"
      ".endr\\n"
      "ldr r2, [sp]\\n cmp r0, r2\\n bne 1b\\n"
      "ldr r3, [sp, #4]\\n stmia r3, {r4-r11}\\n"
      "pop {r2-r11, pc}\\n");
}

/* Widens the codes of four places, x and x + step[1 to 3], to the form that dot_four reads.
   count: codes of a place, a multiple of 4. Pairs are codes 0 and 2, 1 and 3, of each four. */
static __attribute__((noinline)) void widen_four(const int8_t *x, const int *step, uint32_t *to,
                                                 int count) {
  const int8_t *x1 = x + step[1], *x2 = x + step[2], *x3 = x + step[3], *end = x + count;
#pragma GCC unroll 1
  for (; x != end; x += 4, x1 += 4, x2 += 4, x3 += 4, to += 8) {
    uint32_t c0 = load4(x), c1 = load4(x1), c2 = load4(x2), c3 = load4(x3);
    to[0] = even(c0), to[1] = even(c1), to[2] = even(c2), to[3] = even(c3);
    to[4] = odd(c0), to[5] = odd(c1);
    to[6] = odd(c2), to[7] = odd(c3);
  }
}
"""

RESCALE = """\
/* Returns the code of a doubled sum: times multiplier / 2^32, shifted right, with the zero point.
   rounding: (2 * zero point + 1) << shift >> 1, half a step and the zero point in one.
   @why@ */
static inline __attribute__((always_inline)) int8_t @rescale@(
    int32_t doubled, int32_t multiplier, int32_t shift, int32_t rounding) {
  int32_t value = smmulr(doubled, multiplier);
@body@
}
"""
WHY_PLAIN = """Below the zero point every code is limited to it, so halves of negative values may go
   either way."""
BODY_PLAIN = "  return (int8_t)__ssat((value + rounding) >> shift, 8);"
WHY_SIGNED = "Halves of negative values go down, away from zero, unless nothing is shifted out."
BODY_SIGNED = """\
  value = (value + rounding + (shift ? value >> 31 : 0)) >> shift;
  return (int8_t)(value < @low@ ? @low@ : value > @high@ ? @high@ : value);"""

MULTIPLY = """\
/* Four places times all weights. x: as for dot_four, steps words a place; y: [outputs] of the first
   place, those of the others step[1 to 3] further; w: [pair of outputs][steps]; b: doubled biases;
   m, s: multipliers and shifts to the right; all [outputs]@odd_comment@. */
static __attribute__((noinline)) void @name@(
    const uint32_t *x, int steps, int8_t *y, const int *step, int outputs, const int16_t *w,
    const int32_t *b, const int32_t *m, const int8_t *s) {
  const int8_t *end = y + outputs;
  int step1 = step[1], step2 = step[2], step3 = step[3];
  for (; y != end; w += 2 * steps) {
    uint32_t sums[8]; /* the first four may wrap; their difference to the others fits again */
    dot_four(x, w, x + 4 * steps, sums);
    int32_t shift = *s++, rounding = ((2 * (@zero@) + 1) * (1 << shift)) >> 1, multiplier = *m++;
    int32_t bias = *b++;
    y[0] = @rescale@(bias + ((int32_t)(sums[0] - sums[4]) >> 7), multiplier, shift, rounding);
    y[step1] = @rescale@(bias + ((int32_t)(sums[1] - sums[5]) >> 7), multiplier, shift, rounding);
    y[step2] = @rescale@(bias + ((int32_t)(sums[2] - sums[6]) >> 7), multiplier, shift, rounding);
    y[step3] = @rescale@(bias + ((int32_t)(sums[3] - sums[7]) >> 7), multiplier, shift, rounding);
    y++;@odd_end@
    shift = *s++, rounding = ((2 * (@zero@) + 1) * (1 << shift)) >> 1, multiplier = *m++;
    bias = *b++;
    y[0] = @rescale@(bias + 2 * (int32_t)sums[4], multiplier, shift, rounding);
    y[step1] = @rescale@(bias + 2 * (int32_t)sums[5], multiplier, shift, rounding);
    y[step2] = @rescale@(bias + 2 * (int32_t)sums[6], multiplier, shift, rounding);
    y[step3] = @rescale@(bias + 2 * (int32_t)sums[7], multiplier, shift, rounding);
    y++;
  }
}
"""

POINTWISE = """\
/* Pointwise convolution of @places@ places from @inputs@ to @outputs@ channels, four places at a
   time; those beyond the last repeat it. y may lie on x where there are no more outputs than
   inputs: codes are widened into scratch before they are overwritten. */
static __attribute__((noinline)) void @name@(
    const int8_t *x, int8_t *y, void *scratch, const int16_t *w, const int32_t *b,
    const int32_t *m, const int8_t *s) {
  for (int place = 0; place < @places@; place += 4) {
    int from[4], to[4];
    for (int i = 1; i < 4; i++) {
      int further = place + i < @places@ ? i : @places@ - 1 - place;
      from[i] = further * @inputs@, to[i] = further * @outputs@;
    }
    widen_four(x + place * @inputs@, from, scratch, @inputs@);
    @multiply@(scratch, @steps@, y + place * @outputs@, to, @outputs@, w, b, m, s);
  }
}
"""

CONVOLUTION = """\
/* Convolution, @kernel_height@ x @kernel_width@ x @inputs@ to @outputs@ channels,
   @height@ x @width@ to @rows@ x @columns@ places: four windows are collected, widened and
   multiplied at a time; those beyond the last repeat it. */
static __attribute__((noinline)) void @name@(
    const int8_t *x, int8_t *y, void *scratch, const int16_t *w, const int32_t *b,
    const int32_t *m, const int8_t *s) {
  int8_t *windows = (int8_t *)scratch + 8 * @length@;
  int row = 0, column = 0;
  for (int place = 0; place < @places@; place += 4) {
    int from[4], to[4];
    for (int i = 0; i < 4; i++) {
      int further = place + i < @places@ ? i : @places@ - 1 - place;
      from[i] = further * @length@, to[i] = further * @outputs@;
      if (further < i) continue;
      int8_t *window = windows + i * @length@;
      int down = row * @stride_down@ - @top@, across = column * @stride_across@ - @left@;
      for (int k = 0; k < @kernel_height@; k++, down++) {
        const int8_t *line = x + (down * @width@ + across) * @inputs@;
        int is_inside = down >= 0 && down < @height@;
        if (is_inside && across >= 0 && across + @kernel_width@ <= @width@) {
@copy_line@
        } else {
#pragma GCC unroll 1
          for (int j = 0; j < @kernel_width@; j++) {
            int is_there = is_inside && across + j >= 0 && across + j < @width@;
            for (int c = 0; c < @inputs@; c++)
              *window++ = is_there ? line[j * @inputs@ + c] : @padding_code@;
          }
        }
      }
      if (++column == @columns@) column = 0, row++;
    }
    widen_four(windows, from, scratch, @count@);
    @multiply@(scratch, @steps@, y + place * @outputs@, to, @outputs@, w, b, m, s);
  }
}
"""
COPY_WORDS = """\
          for (int j = 0; j < @line@; j += 4, window += 4)
            __builtin_memcpy(window, line + j, 4);"""
COPY_CODES = """\
          for (int j = 0; j < @line@; j++) *window++ = line[j];"""

DEPTHWISE = """\
/* Depthwise convolution, @kernel_height@ x @kernel_width@, @height@ x @width@ to @rows@ x @columns@
   places of @outputs@ channels, @copies@ for each of x. Each channel is taken out of x into a plane
   of half-words with its padding; so y may lie on x where there is one output for each channel and
   place. w: [outputs][@kernel_height@][@kernel_width@]; b: doubled biases; m, s: multipliers and
   shifts to the right. */
static __attribute__((noinline)) void @name@(
    const int8_t *x, int8_t *y, void *scratch, const int8_t *w, const int32_t *b,
    const int32_t *m, const int8_t *s) {
  int16_t *plane = scratch;
  for (int i = 0; i < @plane_height@ * @plane_width@; i++) plane[i] = @padding_code@;
  for (int channel = 0; channel < @channels@; channel++, x++) {
    const int8_t *from = x;
    int16_t *to = plane + @top@ * @plane_width@ + @left@;
    for (int i = 0; i < @height_read@; i++, to += @plane_width@, from += @width@ * @channels@)
      for (int j = 0; j < @width_read@; j++) to[j] = from[j * @channels@];
    for (int copy = 0; copy < @copies@; copy++, w += @kernel_height@ * @kernel_width@, y++) {
      int32_t shift = *s++, rounding = ((2 * (@zero@) + 1) * (1 << shift)) >> 1;
      int32_t multiplier = *m++, bias = *b++;
@filter@
    }
  }
}
"""
FILTER_PLAIN = """\
      for (int row = 0; row < @rows@; row++)
        for (int column = 0; column < @columns@; column++) {
          const int16_t *at =
              plane + row * @stride_down@ * @plane_width@ + column * @stride_across@;
          int32_t sum = 0;
          for (int i = 0; i < @kernel_height@; i++)
            for (int j = 0; j < @kernel_width@; j++)
              sum += at[i * @plane_width@ + j] * w[i * @kernel_width@ + j];
          y[(row * @columns@ + column) * @outputs@] =
              @rescale@(bias + 2 * sum, multiplier, shift, rounding);
        }"""
PAIR = """\
/* Two doubled weights in one word, the first in its low half. */
static inline __attribute__((always_inline)) uint32_t doubled_pair(int32_t low, int32_t high) {
  return ((uint32_t)(2 * low) & 0xffff) | (uint32_t)(2 * high) << 16;
}
"""

LINEAR = """\
/* Fully connected layer. x: [inputs]; y: [outputs]; w: [outputs][inputs]; b: doubled biases;
   m, s: multipliers and shifts to the right. */
static __attribute__((noinline)) void @name@(
    const int8_t *x, int8_t *y, int inputs, int outputs, const int8_t *w, const int32_t *b,
    const int32_t *m, const int8_t *s) {
  for (int output = 0; output < outputs; output++, w += inputs) {
    int32_t sum = dot(x, w, inputs, 0);
    int32_t shift = s[output], rounding = ((2 * (@zero@) + 1) * (1 << shift)) >> 1;
    y[output] = @rescale@(b[output] + 2 * sum, m[output], shift, rounding);
  }
}
"""
