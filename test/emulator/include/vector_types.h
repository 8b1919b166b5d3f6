// CUDA's small vectors, with CUDA's alignment: a kernel that reads four floats at once from an address that is not
// aligned to 16 fails under UBSan here as it would on a GPU.
#pragma once

struct uint3 {
  unsigned int x, y, z;
};

struct dim3 {
  unsigned int x, y, z;
  constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
};

#define CIRCLE_VECTORS(Number, name)                                      \
  struct alignas(2 * sizeof(Number)) name##2 {                            \
    Number x, y;                                                          \
  };                                                                      \
  struct alignas(16) name##4 {                                            \
    Number x, y, z, w;                                                    \
  };                                                                      \
  inline name##2 make_##name##2(Number x, Number y) {                     \
    return {x, y};                                                        \
  }                                                                       \
  inline name##4 make_##name##4(Number x, Number y, Number z, Number w) { \
    return {x, y, z, w};                                                  \
  }

CIRCLE_VECTORS(float, float)
CIRCLE_VECTORS(int, int)
CIRCLE_VECTORS(unsigned int, uint)

#undef CIRCLE_VECTORS

struct alignas(16) double2 {
  double x, y;
};
inline double2 make_double2(double x, double y) {
  return {x, y};
}
