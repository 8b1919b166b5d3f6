// The CPU engine: one call is planned (plan.h), packed (pack.h), and computed tile by tile on a team of threads.
#pragma once

#include <atomic>
#include <cstdint>

#include "native/core/engine.h"
#include "native/cpu/kernels.h"
#include "native/cpu/workspace.h"

namespace circle::cpu {

// A workspace and the instruction set to use.
class Engine final : public circle::Engine {
 public:
  explicit Engine(const Kernels& kernels) : kernels_(kernels) {}

  Outcome compute(const Problem& problem, Results& results, const std::atomic<bool>* abort) override;
  Outcome similarity(const Rows& rows, float* out, const std::atomic<bool>* abort) override;
  Outcome nearest(const Rows& rows, const Nearest& nearest, const std::atomic<bool>* abort) override;
  Outcome rank(const Rows& rows, const Ranking& ranking, const std::atomic<bool>* abort) override;
  void release() override;
  int64_t workspace_bytes() const override;

 private:
  template <class Pass, class Results>
  Outcome search(const Rows& rows, const Results& results, const std::atomic<bool>* abort);

  const Kernels& kernels_;
  Workspace workspace_;
};

}  // namespace circle::cpu
