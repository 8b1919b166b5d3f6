// What an engine is to those who call it: the same for the CPU and for CUDA, so that one binding serves both.
#pragma once

#include <atomic>
#include <cstdint>

#include "native/core/problem.h"
#include "native/core/ranking.h"
#include "native/core/status.h"

namespace circle {

// A workspace and a way to compute. One call at a time, on any thread.
class Engine {
 public:
  Engine() = default;
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Loss and, where `results` asks for them, gradients. `abort` may be null; a call that it ends has written part of
  // the results at most, and so has one whose device fails in the middle; any other failure nothing.
  virtual Outcome compute(const Problem& problem, Results& results, const std::atomic<bool>* abort) = 0;

  // The similarity matrix itself: out is anchor_count × candidate_count.
  virtual Outcome similarity(const Rows& rows, float* out, const std::atomic<bool>* abort) = 0;

  // Retrieval: the most similar candidates of each anchor, and how far those of its own label come down. Similarities are
  // those of the matrix (on a GPU, of that with the candidates given), to the bit. kOverflow where one that is found, or an anchor's own, is beyond float32.
  virtual Outcome nearest(const Rows& rows, const Nearest& nearest, const std::atomic<bool>* abort) = 0;
  virtual Outcome rank(const Rows& rows, const Ranking& ranking, const std::atomic<bool>* abort) = 0;

  // Frees the workspace; a later call grows a new one.
  virtual void release() = 0;
  virtual int64_t workspace_bytes() const = 0;
};

}  // namespace circle
