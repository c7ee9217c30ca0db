def fold_zero_point(w, b, x_zero):
    return b - np.einsum("oi,->o", w.astype(np.int64), x_zero)


def fast_pointwise_source(places, inputs, outputs, y_zero):
    text = """
#define PAIR(sum, a, b) __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b))
static void tile(const int8_t *x, int dx, const int8_t *w, int dw, int32_t *sums) {
  int32_t a = sums[0], c = sums[1], d = sums[2], e = sums[3];
  for (const int8_t *end = x + N; x < end; x += 8, w += 8)
    for (int half = 0; half < 8; half += 4) {
      uint32_t u = load4(x + half), v = load4(x + dx + half);
      uint32_t g = load4(w + half), h = load4(w + dw + half);
      uint32_t u1 = sxtb16(u), v1 = sxtb16(v), g1 = sxtb16(g), h1 = sxtb16(h);
      PAIR(a, u1, g1); PAIR(c, u1, h1); PAIR(d, v1, g1); PAIR(e, v1, h1);
      u1 = sxtb16_ror8(u), v1 = sxtb16_ror8(v), g1 = sxtb16_ror8(g), h1 = sxtb16_ror8(h);
      PAIR(a, u1, g1); PAIR(c, u1, h1); PAIR(d, v1, g1); PAIR(e, v1, h1);
      if (N % 8 && x + 4 == end) break;
    }
  sums[0] = a; sums[1] = c; sums[2] = d; sums[3] = e;
}
void pointwise(const int8_t *x, int8_t *y, const int8_t *w, const int32_t *b,
               const int32_t *m, const int8_t *s) {
  for (int p = 0; p < P; p += 2)
    for (int o = 0; o < O; o += 2) {
      int dp = p + 1 < P, od = o + 1 < O;
      int32_t sums[4] = {b[o], b[o + od], b[o], b[o + od]};
      tile(x + p * N, dp * N, w + o * N, od * N, sums);
      for (int i = 0; i < 4; i++) {
        int q = p + (i >> 1) * dp, r = o + (i & 1) * od;
        y[q * O + r] = requantize(sums[i], m[r], s[r], YZ, -128, 127);
      }
    }
}
"""
    sizes = {"P": places, "N": inputs, "O": outputs, "YZ": y_zero}
    return "".join(f"#define {name} ({value})\n" for name, value in sizes.items()) + text
