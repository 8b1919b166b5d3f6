// The CUDA engine: a call is planned (plan.h), all its memory reserved, and its kernels started in order; the host waits
// only where it must (pace.h, result_queue.h). engine.h says what the rest of the package sees.
#include "cuda/engine.h"

#include "cuda/forward_pass.h"
#include "cuda/gradient_pass.h"
#include "cuda/nearest_pass.h"
#include "cuda/ranking_pass.h"
#include "cuda/similarity_pass.h"

namespace circle::cuda {
namespace {

Core core_for(Units units, const Rows& rows) {
  // Halves hold unit rows; others may be beyond their range.
  if (units == Units::kFfma || rows.normalize == Normalize::kNo) return Core::kFfma;
  return rows.precision == Precision::kFast ? Core::kFast : Core::kExact;
}

// Kernels count rows and coordinates in 32 bits, and round them up to tiles.
bool is_countable(const Rows& rows) {
  constexpr int64_t kMost = INT32_MAX - kTile;
  return rows.anchor_count <= kMost && rows.candidate_count <= kMost && rows.dim <= kMost;
}

// Rows of the host go to the device in order, and nothing of them comes back.
bool lies_well(const Rows& rows, const CandidateUpdate* update) {
  return rows.candidates_place == Place::kDevice || (!rows.candidate_rows && !update);
}

class CudaEngine final : public Engine {
 public:
  CudaEngine(Units units, int device) : units_(units), device_(device) {}

  ~CudaEngine() override { release(); }

  Outcome compute(const Problem& problem, Results& results, const std::atomic<bool>* abort) override {
    if (!lies_well(problem.rows, results.update)) return {Status::kInvalid};
    return on_device(problem.rows, [&] { return compute_loss(problem, results, abort); });
  }

  Outcome similarity(const Rows& rows, float* out, const std::atomic<bool>* abort) override {
    return compare<SimilarityPass>(rows, out, abort);
  }

  Outcome nearest(const Rows& rows, const Nearest& nearest, const std::atomic<bool>* abort) override {
    return compare<NearestPass>(rows, nearest, abort);
  }

  Outcome rank(const Rows& rows, const Ranking& ranking, const std::atomic<bool>* abort) override {
    return compare<RankingPass>(rows, ranking, abort);
  }

  void release() override {
    // A device that was never used would be started by this.
    if (!workspace_.is_open()) return;
    if (cudaSetDevice(device_) != cudaSuccess) (void)cudaGetLastError();
    workspace_.release();
  }

  int64_t workspace_bytes() const override { return workspace_.held.bytes(); }

 private:
  // Whatever becomes of the call, the device has finished with the caller's arrays when it returns.
  template <class Call>
  Outcome on_device(const Rows& rows, const Call& call) {
    if (!is_countable(rows)) return {Status::kInvalid};
    Outcome outcome = outcome_of(cudaSetDevice(device_));
    if (outcome.ok()) outcome = outcome_of(workspace_.open());
    if (!outcome.ok()) return outcome;
    outcome = call();
    const Outcome drained = outcome_of(workspace_.drain());
    return outcome.ok() ? drained : outcome;
  }

  Outcome compute_loss(const Problem& problem, Results& results, const std::atomic<bool>* abort);

  // What is made of similarities alone.
  template <class Pass, class Wanted>
  Outcome compare(const Rows& rows, const Wanted& wanted, const std::atomic<bool>* abort) {
    if (!lies_well(rows, nullptr)) return {Status::kInvalid};
    return on_device(rows, [&] {
      const Plan plan(rows, core_for(units_, rows));
      Pace pace(workspace_, abort);
      Pass pass(rows, plan, workspace_, pace, wanted);
      const Outcome reserved = outcome_of(pass.reserve());
      return reserved.ok() ? pass.run() : reserved;
    });
  }

  const Units units_;
  const int device_;
  Workspace workspace_;
};

Outcome CudaEngine::compute_loss(const Problem& problem, Results& results, const std::atomic<bool>* abort) {
  const Plan plan(problem.rows, core_for(units_, problem.rows));
  PackedRows rows(problem.rows, plan, workspace_);
  Pace pace(workspace_, abort);
  const LossCall call{problem, results, plan, workspace_, rows, pace};
  ForwardPass forward(call);
  GradientPass gradient(call);

  // All memory before any work, so that running out of it leaves nothing half done.
  Outcome outcome = outcome_of(rows.reserve());
  if (outcome.ok()) outcome = outcome_of(forward.reserve());
  if (outcome.ok() && call.wants_gradient()) outcome = outcome_of(gradient.reserve());

  if (outcome.ok()) outcome = forward.run();
  // The device goes on while the host looks at the losses; what it computes of bad rows is dropped. Candidates that it
  // had moved could not be.
  if (outcome.ok() && results.update) outcome = forward.wait();
  if (outcome.ok() && results.update) outcome = pace.last_chance();
  if (outcome.ok() && call.wants_gradient()) outcome = gradient.start();
  if (outcome.ok() && !results.update) outcome = forward.wait();
  if (!outcome.ok()) return outcome;

  if (call.wants_gradient()) outcome = gradient.finish();
  if (outcome.ok())
    outcome = outcome_of(workspace_.staging.download(
        whole_array(results.anchor_losses, workspace_.anchor_losses.at(0), 4 * call.terms()), workspace_.copies));
  if (!outcome.ok()) return outcome;
  results.loss = workspace_.scalars_on_host().loss;
  results.valid_anchors = workspace_.scalars_on_host().valid_anchors;
  return {};
}

}  // namespace

std::unique_ptr<Engine> open_engine(Units units, int device) {
  return std::make_unique<CudaEngine>(units, device);
}

}  // namespace circle::cuda
