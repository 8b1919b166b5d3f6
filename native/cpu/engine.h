// The CPU engine: one call is planned (plan.h), packed (pack.h), and computed tile by tile on a team of threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "native/core/problem.h"
#include "native/core/status.h"
#include "native/cpu/kernels.h"
#include "native/cpu/workspace.h"

namespace circle::cpu {

// A workspace and the instruction set to use. One call at a time.
class Engine {
 public:
  explicit Engine(const Kernels& kernels) : kernels_(kernels) {}

  // Loss and, where `results` asks for them, gradients. `abort` may be null; a call that it ends has written part of
  // the results at most, any other failure nothing.
  Outcome compute(const Problem& problem, Results& results, const std::atomic<bool>* abort);

  // The similarity matrix itself: out is anchor_count × candidate_count.
  Outcome similarity(const Rows& rows, float* out, const std::atomic<bool>* abort);

  void release();
  int64_t workspace_bytes();

 private:
  const Kernels& kernels_;
  Workspace workspace_;
};

}  // namespace circle::cpu
