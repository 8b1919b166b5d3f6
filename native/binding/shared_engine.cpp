#include "native/binding/shared_engine.h"

namespace circle::binding {
namespace {

// Memory of another device would be a wild pointer. Moments are where the candidates are.
bool has_its_candidates(const SharedEngine& engine, const CallArrays& arrays) {
  const int device = arrays.candidates.on_device.device;
  return device == kHostMemory || device == engine.device();
}

}  // namespace

std::shared_ptr<SharedEngine> SharedEngine::open(const std::string& variant, int device) {
  std::unique_ptr<Engine> engine = engine_kind().open(variant, device);
  return engine ? std::make_shared<SharedEngine>(variant, device, std::move(engine)) : nullptr;
}

int64_t SharedEngine::take_growth() {
  const int64_t bytes = closed_ ? 0 : bytes_.load(), growth = bytes - told_;
  told_ = bytes;
  return growth;
}

Outcome run_compute(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  LossProblem made;
  Outcome outcome{Status::kInvalid};
  if (has_its_candidates(engine, arrays) && make_problem(arrays, made))
    outcome = engine.with_engine(made.problem.rows, abort,
                                 [&](Engine& e) { return e.compute(made.problem, made.results, abort); });
  write_report(arrays.report, outcome, &made.results);
  return outcome;
}

Outcome run_similarity(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  Rows rows{};
  Outcome outcome{Status::kInvalid};
  if (has_its_candidates(engine, arrays) && make_rows(arrays, rows) &&
      arrays.gradient.length % rows.candidate_count == 0 &&
      arrays.gradient.length / rows.candidate_count == rows.anchor_count)
    outcome =
        engine.with_engine(rows, abort, [&](Engine& e) { return e.similarity(rows, arrays.gradient.data, abort); });
  write_report(arrays.report, outcome, nullptr);
  return outcome;
}

Outcome run_nearest(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  Rows rows{};
  Nearest nearest{};
  Outcome outcome{Status::kInvalid};
  if (has_its_candidates(engine, arrays) && make_rows(arrays, rows) && make_nearest(arrays, rows, nearest))
    outcome = engine.with_engine(rows, abort, [&](Engine& e) { return e.nearest(rows, nearest, abort); });
  write_report(arrays.report, outcome, nullptr);
  return outcome;
}

Outcome run_rank(SharedEngine& engine, const CallArrays& arrays, const std::atomic<bool>* abort) {
  Rows rows{};
  Ranking ranking{};
  Outcome outcome{Status::kInvalid};
  if (has_its_candidates(engine, arrays) && make_rows(arrays, rows) && make_ranking(arrays, rows, ranking))
    outcome = engine.with_engine(rows, abort, [&](Engine& e) { return e.rank(rows, ranking, abort); });
  write_report(arrays.report, outcome, nullptr);
  return outcome;
}

}  // namespace circle::binding
