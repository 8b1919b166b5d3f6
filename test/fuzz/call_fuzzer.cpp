// Any bytes are a call (call_input.h), and any call ends with a status that it deserves, touches what it may touch, and
// gives the same bits again with other threads and another workspace. It comes in by the door that JavaScript's calls use
// (native/binding/shared_engine.h), so that every check of a request is on the way.
//
// libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer: node scripts/native-tests.mjs fuzz.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"
#include "test/fuzz/answers.h"

namespace circle::binding {
namespace {

std::vector<std::string> variants() {
  std::vector<std::string> names;
  for (const cpu::Kernels* kernels : cpu::available_kernels()) names.emplace_back(kernels->name);
  return names;
}

std::unique_ptr<Engine> open(const std::string& variant, int) {
  return std::make_unique<cpu::Engine>(*cpu::find_kernels(variant.c_str()));
}

}  // namespace

const EngineKind& engine_kind() {
  static const EngineKind kind{WhenTaken::kOpenAnother, variants, open, nullptr};
  return kind;
}

}  // namespace circle::binding

namespace circle::fuzz {
namespace {

using binding::RequestField;

void insist(const char* broken, const CallInput& input) {
  if (!broken) return;
  std::fprintf(stderr, "call_fuzzer: not true any more: %s. Operation %d, variant %zu, request:\n", broken,
               static_cast<int>(input.operation), input.variant);
  for (size_t i = 0; i < kRequestFields; ++i)
    std::fprintf(stderr, "  %s %.17g\n", binding::kRequestFieldNames[i], input.request[i]);
  std::abort();
}

// Status may be anything else only of an engine with a device.
bool may_be(Status status, const CallInput& input) {
  switch (status) {
    case Status::kOk:
    case Status::kNotFinite:
    case Status::kOverflow:
    case Status::kInvalid:
      return true;
    case Status::kAborted:
      return input.aborted;
    default:
      return false;
  }
}

// The same call to another engine, cut and shared out in another way.
CallInput otherwise(CallInput input) {
  if (input.distorted) return input;
  input.at(RequestField::threads) = input.at(RequestField::threads) == 1 ? 3 : 1;
  input.at(RequestField::workspaceLimit) = input.at(RequestField::workspaceLimit) < 1e6 ? 1e9 : 0;
  return input;
}

void check(const CallInput& input) {
  const std::string variant = binding::engine_kind().variants()[input.variant];
  static std::shared_ptr<binding::SharedEngine> used[4];
  std::shared_ptr<binding::SharedEngine>& engine = used[input.variant];
  if (!engine) engine = binding::SharedEngine::open(variant, 0);

  CallRun run(input, *engine);
  if (!may_be(run.outcome.status, input)) insist("a status is one that the call deserves", input);
  if (run.reported(binding::ReportField::status) != static_cast<int>(run.outcome.status))
    insist("the report has the status", input);
  if (!run.outcome.ok() && !run.untouched(input)) insist("a call that fails touches no array", input);
  if (!input.distorted && input.random_content && !input.aborted && input.operation == Operation::kCompute &&
      !run.outcome.ok())
    insist("a sound call ends well", input);

  const CallRun again(otherwise(input), *binding::SharedEngine::open(variant, 0));
  if (!run.same_bits_as(again)) insist("the same call gives the same bits", input);

  if (!run.outcome.ok()) return;
  insist(broken_promise(input, run), input);
  insist(other_than_defined(input, run), input);
  const bool is_search = input.operation == Operation::kNearest || input.operation == Operation::kRank;
  if (is_search) insist(other_than_sorted(input, run, *engine), input);
}

}  // namespace
}  // namespace circle::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  circle::fuzz::check(circle::fuzz::decode(data, size));
  return 0;
}
