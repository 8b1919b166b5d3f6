// The most multiply-adds that this machine does: a loop over registers only, no memory.
//
// Reads lines `peak <instruction set> <threads>`, answers { "gflops": … }, or {} where the machine has no
// such set. Each thread runs 12 independent chains of multiply-add (latency 4–5 cycles × 2 units needs at
// least 10) for 5–25 ms; the rate is that of all threads together, from the first start to the last end.
// Baseline x86-64 has no fused instruction: it multiplies, then adds.

#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kChains = 12;
constexpr long kMultiplyAdds = 40'000'000;

// One variable a chain, not an array, which would live in memory. "+x" keeps each in a vector register in
// every round: nothing may be folded, hoisted or left out; AVX-512 has its own letter, "v", and NEON has "w".
#define CHAIN(c, letter) \
  c = c * a + b;         \
  asm volatile("" : "+" letter(c))

#define DEFINE_CHAINS(name, target, width, letter)                                                           \
  target float name(long rounds) {                                                                           \
    typedef float Vector __attribute__((vector_size(4 * width)));                                            \
    const Vector a = Vector{} + 0.999f, b = Vector{} + 0.001f;                                               \
    Vector c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, c10 = b, c11 = b; \
    for (long r = 0; r < rounds; ++r) {                                                                      \
      CHAIN(c0, letter);                                                                                     \
      CHAIN(c1, letter);                                                                                     \
      CHAIN(c2, letter);                                                                                     \
      CHAIN(c3, letter);                                                                                     \
      CHAIN(c4, letter);                                                                                     \
      CHAIN(c5, letter);                                                                                     \
      CHAIN(c6, letter);                                                                                     \
      CHAIN(c7, letter);                                                                                     \
      CHAIN(c8, letter);                                                                                     \
      CHAIN(c9, letter);                                                                                     \
      CHAIN(c10, letter);                                                                                    \
      CHAIN(c11, letter);                                                                                    \
    }                                                                                                        \
    return (c0 + c1 + c2 + c3 + c4 + c5 + c6 + c7 + c8 + c9 + c10 + c11)[0];                                 \
  }

struct InstructionSet {
  const char* name;
  int width;
  float (*run)(long rounds);
};

#if defined(__x86_64__)
#define FMA_TARGET(names) __attribute__((target(names), optimize("fp-contract=fast"), noinline))
DEFINE_CHAINS(run_avx512, FMA_TARGET("avx512f"), 16, "v")
DEFINE_CHAINS(run_avx2, FMA_TARGET("avx2,fma"), 8, "x")
DEFINE_CHAINS(run_baseline, __attribute__((noinline)), 4, "x")
const InstructionSet kSets[] = {
    {"avx512", 16, run_avx512}, {"avx2", 8, run_avx2}, {"baseline", 4, run_baseline}};
bool supported(const std::string& name) {
  if (name == "avx512") return __builtin_cpu_supports("avx512f");
  if (name == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return true;
}
#elif defined(__aarch64__)
DEFINE_CHAINS(run_neon, __attribute__((noinline)), 4, "w")
const InstructionSet kSets[] = {{"neon", 4, run_neon}};
bool supported(const std::string&) {
  return true;
}
#else
#error "No register loop for this architecture."
#endif

volatile float sink;

double measure(const InstructionSet& set, int threads) {
  const long rounds = kMultiplyAdds / kChains;
  sink = set.run(rounds);  // the clock rises before it is read
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back([&] { sink = set.run(rounds); });
  sink = set.run(rounds);
  for (auto& other : others) other.join();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return 2.0 * set.width * kChains * rounds * threads / seconds.count() / 1e9;
}

// "best" is the first that this machine has; nullptr where it has no set of that name.
const InstructionSet* find(const std::string& name) {
  for (const auto& set : kSets) {
    if ((name == "best" || name == set.name) && supported(set.name)) return &set;
  }
  return nullptr;
}

}  // namespace

int main() {
  std::string command, name;
  int threads;
  while (std::cin >> command >> name >> threads) {
    const InstructionSet* set = find(name);
    if (set == nullptr) {
      std::cout << "{}" << std::endl;
    } else {
      std::cout << "{\"gflops\":" << measure(*set, threads) << "}" << std::endl;
    }
  }
}
