// What test/emulator/device.h declares: warp-wide instructions by the tables of the PTX manual, and copies.
#include "test/emulator/device.h"

#include "test/emulator/block.h"
#include "test/emulator/runtime.h"
#include "test/emulator/tensor_core.h"

namespace circle::cuda::emulator {
namespace {

bool is_aligned(const void* address) {
  return reinterpret_cast<uintptr_t>(address) % 16 == 0;
}

struct MatrixRow {
  uint32_t* matrices;
  const void* row;
};

uint16_t half_of(void* const (&lanes)[kWarp], int matrix, int row, int column) {
  const void* const halves = static_cast<const MatrixRow*>(lanes[matrix * 8 + row])->row;
  return static_cast<const uint16_t*>(halves)[column];
}

enum class Stored { kAsIs, kTransposed };

template <Stored stored>
void load_warp(void* const (&lanes)[kWarp], int) {
  for (int lane = 0; lane < kWarp; ++lane) {
    const int line = lane / 4, pair = lane % 4 * 2;
    for (int matrix = 0; matrix < 4; ++matrix) {
      const auto half = [&](int i) {
        return stored == Stored::kAsIs ? half_of(lanes, matrix, line, pair + i)
                                       : half_of(lanes, matrix, pair + i, line);
      };
      static_cast<const MatrixRow*>(lanes[lane])->matrices[matrix] = half(0) | static_cast<uint32_t>(half(1)) << 16;
    }
  }
}

template <Stored stored>
void load(const char* name, uint32_t (&matrices)[4], const void* row, Site site) {
  Block& block = Block::running();
  if (!is_aligned(row)) block.fail(std::string(name) + " from an address that is not aligned to 16");
  if (!block.arena().contains(row, 16)) block.fail(std::string(name) + " from outside the shared memory");
  MatrixRow own{matrices, row};
  block.meet({name, load_warp<stored>, 0}, &own, site);
}

void multiply_add_warp(void* const (&lanes)[kWarp], int) {
  multiply_add(lanes, runtime().settings.accumulation);
}

struct Exchange {
  uint64_t given, taken;
};

void exchange_warp(void* const (&lanes)[kWarp], int mask) {
  for (int lane = 0; lane < kWarp; ++lane)
    static_cast<Exchange*>(lanes[lane])->taken = static_cast<const Exchange*>(lanes[lane ^ mask])->given;
}

void vote_warp(void* const (&lanes)[kWarp], int) {
  uint64_t any = 0;
  for (void* const lane : lanes) any |= static_cast<const Exchange*>(lane)->given;
  for (void* const lane : lanes) static_cast<Exchange*>(lane)->taken = any;
}

}  // namespace

namespace thread {

unsigned char* shared_memory() {
  return Block::running().arena().data();
}
uint32_t shared_address(const void* shared) {
  return static_cast<uint32_t>(static_cast<const unsigned char*>(shared) - shared_memory());
}
void barrier(Site site) {
  Block::running().wait_at_barrier(site);
}

void copy_16_bytes(void* shared, const void* global, bool exists, Site site) {
  Block& block = Block::running();
  const auto fail = [&](const char* what) {
    block.fail("copy_16_bytes at " + std::string(site.file) + ":" + std::to_string(site.line) + ": " + what);
  };
  if (!is_aligned(shared) || !is_aligned(global)) fail("an address that is not aligned to 16");
  if (!block.arena().contains(shared, 16)) fail("to outside the shared memory");
  if (exists && !runtime().memory.is_device(global, 16)) fail("from outside the device memory");
  block.copies().start(shared, exists ? global : nullptr);
}
void commit_copies() {
  Block::running().copies().commit();
}
void wait_for_copies(int pending) {
  Block::running().copies().wait(pending);
}

void load_matrices(uint32_t (&matrices)[4], const void* row, Site site) {
  load<Stored::kAsIs>("load_matrices", matrices, row, site);
}
void load_matrices_transposed(uint32_t (&matrices)[4], const void* row, Site site) {
  load<Stored::kTransposed>("load_matrices_transposed", matrices, row, site);
}
void multiply_add(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Site site) {
  MultiplyAdd own{c, a, b};
  Block::running().meet({"multiply_add", multiply_add_warp, 0}, &own, site);
}
uint64_t of_lane_xor(uint64_t bits, int mask, Site site) {
  Exchange own{bits, 0};
  if (mask < 0 || mask >= kWarp) Block::running().fail("of_lane_xor with a mask beyond the warp");
  Block::running().meet({"of_lane_xor", exchange_warp, mask}, &own, site);
  return own.taken;
}
bool any_lane(bool x, Site site) {
  Exchange own{x, 0};
  Block::running().meet({"any_lane", vote_warp, 0}, &own, site);
  return own.taken != 0;
}

}  // namespace thread

}  // namespace circle::cuda::emulator
