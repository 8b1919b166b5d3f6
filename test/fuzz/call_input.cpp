// First a sound call is made, small in work but with counts at the edges of blocks, panels and vectors; then it is
// distorted where the bytes say so: fields of the request, lengths, numbers. So that most of the bytes that a fuzzer
// changes still lead to a call that computes something.
#include "test/fuzz/call_input.h"

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "native/core/problem.h"
#include "native/cpu/dispatch.h"
#include "test/fuzz/requests.h"
#include "test/native/samples.h"

namespace circle::fuzz {
namespace {

using binding::RequestField;

// What a call may cost: multiply-adds. Above 2²⁰ the engine uses several threads.
constexpr int64_t kUsualWork = int64_t{1} << 15, kMostWork = int64_t{1} << 21;

// How many numbers a search may find.
constexpr int64_t kMostFound = int64_t{1} << 12;

// Where blocks, panels, micro-kernels and vectors begin and end.
constexpr int64_t kEdges[] = {1,  2,  3,  15, 16,  17,  31,  32,  33,   47,   48,
                              49, 95, 96, 97, 191, 192, 193, 769, 1023, 1025, 2048};

constexpr double kNumbers[] = {0,
                               -0.0,
                               1,
                               -1,
                               0.5,
                               2,
                               3,
                               1e-30,
                               1e30,
                               1e-300,
                               1e300,
                               5e-324,
                               2147483647,
                               2147483648,
                               4294967296,
                               9007199254740992,
                               9007199254740994,
                               9.3e18,
                               1.9e19,
                               std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()};
constexpr float kFloats[] = {0,      -0.0f,  1,     -1,    1e-45f, -1e-45f, 1e-38f, 1.2e-38f, 1e-13f,    1e-12f,
                             1e-20f, 1e-19f, 1e19f, 1e20f, 1e30f,  3e38f,   -3e38f, INFINITY, -INFINITY, NAN};

enum class Content { kRandom, kCoarse, kEqualRows, kZeros, kTiny, kDenormal, kHuge, kMixed, kMaxValue = kMixed };

class Decoder {
 public:
  Decoder(const uint8_t* data, size_t size) : bytes_(data, size) {}

  CallInput run() {
    // Before anything else takes a byte: short inputs have distortions too.
    const int distortions = std::max(0, bytes_.ConsumeIntegralInRange(0, 7) - 3);
    call_.operation = bytes_.PickValueInArray(
        {Operation::kCompute, Operation::kCompute, Operation::kSimilarity, Operation::kNearest, Operation::kRank});
    call_.variant = bytes_.ConsumeIntegralInRange<size_t>(0, cpu::available_kernels().size() - 1);
    choose_shape();
    fill_request();
    fill_rows();
    if (call_.operation == Operation::kCompute)
      fill_loss();
    else
      fill_search();
    call_.aborted = bytes_.ConsumeIntegralInRange(0, 31) == 31;
    for (int i = 0; i < distortions; ++i) distort();
    return std::move(call_);
  }

 private:
  int64_t count(int64_t most) {
    const int64_t some =
        bytes_.ConsumeBool() ? bytes_.PickValueInArray(kEdges) : bytes_.ConsumeIntegralInRange<int64_t>(1, 64);
    return std::clamp<int64_t>(some, 1, std::max<int64_t>(most, 1));
  }

  void choose_shape() {
    const int64_t work = bytes_.ConsumeIntegralInRange(0, 15) == 15 ? kMostWork : kUsualWork;
    kind_ = bytes_.PickValueInArray({CandidateKind::kBatch, CandidateKind::kSet, CandidateKind::kClasses});
    if (call_.operation != Operation::kCompute && kind_ == CandidateKind::kClasses) kind_ = CandidateKind::kSet;
    const bool batch = kind_ == CandidateKind::kBatch;
    anchors_ = count(batch ? static_cast<int64_t>(std::sqrt(work)) : work);
    candidates_ = batch ? anchors_ : count(work / anchors_);
    dim_ = count(work / (anchors_ * candidates_));
    // Some of more rows than the call takes.
    rows_ = candidates_;
    if (!batch && call_.operation != Operation::kNearest && call_.operation != Operation::kRank &&
        bytes_.ConsumeBool()) {
      chosen_ = true;
      rows_ = candidates_ + bytes_.ConsumeIntegralInRange<int64_t>(0, 5);
    }
  }

  void fill_request() {
    call_.request.fill(0);
    call_.at(RequestField::anchorCount) = static_cast<double>(anchors_);
    call_.at(RequestField::candidateCount) = static_cast<double>(candidates_);
    call_.at(RequestField::dim) = static_cast<double>(dim_);
    call_.at(RequestField::candidateKind) = static_cast<int>(kind_);
    call_.at(RequestField::normalize) = bytes_.ConsumeIntegralInRange(0, 3) > 0;
    call_.at(RequestField::checkFinite) = bytes_.ConsumeIntegralInRange(0, 3) > 0;
    call_.at(RequestField::threads) = bytes_.ConsumeIntegralInRange(1, 4);
    call_.at(RequestField::workspaceLimit) = bytes_.PickValueInArray({0.0, 1.0, 2e5, 1e6, 268435456.0, 0x1p53});
    call_.at(RequestField::precision) = bytes_.ConsumeBool();
    call_.definition = bytes_.ConsumeIntegralInRange<size_t>(0, kLosses.size() - 1);
    fill_loss_request(kLosses[call_.definition], call_.request);
    call_.at(RequestField::upstream) = 1;
  }

  std::vector<float> floats(int64_t length, int64_t row) {
    Random random(bytes_.ConsumeIntegral<uint16_t>());
    std::vector<float> values = random.numbers(length);
    const auto content = bytes_.ConsumeEnum<Content>();
    call_.random_content &= content == Content::kRandom;
    const auto each = [&](const auto& change) {
      for (size_t i = 0; i < values.size(); ++i) values[i] = change(values[i], i);
    };
    switch (content) {
      case Content::kRandom:
        break;
      case Content::kCoarse:
        each([](float x, size_t) { return std::round(2 * x); });
        break;
      case Content::kEqualRows:
        each([&](float, size_t i) { return values[i % static_cast<size_t>(row)]; });
        break;
      case Content::kZeros:
        each([](float, size_t) { return 0.0f; });
        break;
      case Content::kTiny:
        each([](float x, size_t) { return x * 1e-13f; });
        break;
      case Content::kDenormal:
        each([](float x, size_t) { return x * 1e-39f; });
        break;
      case Content::kHuge:
        each([](float x, size_t) { return x * 3e38f; });
        break;
      case Content::kMixed:
        each([&](float x, size_t) {
          return random.below(8) == 0 ? kFloats[random.below(static_cast<int>(std::size(kFloats)))] : x;
        });
        break;
    }
    return values;
  }

  void fill_rows() {
    call_.random_content = true;
    call_.anchors = floats(anchors_ * dim_, dim_);
    if (kind_ != CandidateKind::kBatch) call_.candidates = floats(rows_ * dim_, dim_);
    if (!chosen_) return;
    // The first ones but for as many as are left over.
    std::vector<int32_t> chosen;
    const auto left_out = static_cast<int32_t>(rows_ - candidates_),
               from = bytes_.ConsumeIntegralInRange<int32_t>(0, static_cast<int32_t>(candidates_));
    for (int32_t row = 0; row < rows_; ++row)
      if (row < from || row >= from + left_out) chosen.push_back(row);
    call_.candidate_rows = std::move(chosen);
  }

  std::vector<int32_t> labels(int64_t length) {
    Random random(bytes_.ConsumeIntegral<uint8_t>());
    return random.labels(length, bytes_.ConsumeIntegralInRange(1, 20));
  }

  void fill_loss() {
    const bool batch = kind_ == CandidateKind::kBatch, hardest = kLosses[call_.definition].kind == LossKind::kTriplet;
    const bool whole = !hardest && bytes_.ConsumeBool();
    const int64_t terms = whole ? 1 : anchors_;
    call_.at(RequestField::scope) = whole;
    call_.at(RequestField::reduction) = bytes_.ConsumeIntegralInRange(0, 3);
    call_.anchor_labels = labels(anchors_);
    if (kind_ == CandidateKind::kSet) call_.candidate_labels = labels(candidates_);
    if (bytes_.ConsumeIntegralInRange(0, 3) == 3) call_.upstream = Random(1).numbers(terms);
    call_.anchor_losses = terms;
    if (bytes_.ConsumeIntegralInRange(0, 3) > 0) call_.gradient = anchors_ * dim_;
    if (batch) return;
    const int optimizer = bytes_.ConsumeIntegralInRange(0, 3);
    if (optimizer == 0) return;
    if (optimizer == 1)
      call_.candidate_gradient = candidates_ * dim_;
    else
      fill_optimizer(optimizer - 1);
  }

  void fill_optimizer(int kind) {
    call_.at(RequestField::optimizer) = kind;
    call_.at(RequestField::learningRate) = 0.125;
    call_.at(RequestField::weightDecay) = bytes_.ConsumeBool() ? 0.01 : 0;
    call_.at(RequestField::momentum) = bytes_.ConsumeBool() ? 0.9 : 0;
    call_.at(RequestField::beta1) = 0.9;
    call_.at(RequestField::beta2) = 0.999;
    call_.at(RequestField::epsilon) = 1e-8;
    call_.at(RequestField::step) = bytes_.ConsumeIntegralInRange(1, 100);
    const bool first = kind == 2 || call_.at(RequestField::momentum) != 0;
    const auto numbers = static_cast<size_t>(rows_ * dim_);
    if (first) call_.first_moment.emplace(numbers, 0.0f);
    if (kind == 2) call_.second_moment.emplace(numbers, 0.0f);
  }

  void fill_search() {
    switch (call_.operation) {
      case Operation::kSimilarity:
        call_.matrix = anchors_ * candidates_;
        return;
      case Operation::kNearest: {
        const int64_t most = candidates_ - (kind_ == CandidateKind::kBatch ? 1 : 0);
        const int64_t k = std::min(count(std::min(most, kMostFound / anchors_)), most);  // none of a batch of one
        call_.similarities = call_.counts = anchors_ * k;
        return;
      }
      default:
        fill_runs();
    }
  }

  void fill_runs() {
    std::vector<int32_t> first, end;
    int64_t length = 0;
    const auto longest = static_cast<int>(count(std::min(candidates_, kMostFound / anchors_))),
               all = static_cast<int>(candidates_);
    Random random(bytes_.ConsumeIntegral<uint8_t>());
    for (int64_t anchor = 0; anchor < anchors_; ++anchor) {
      first.push_back(random.below(all));
      end.push_back(std::min(first.back() + random.below(longest + 1), all));
      length += end.back() - first.back();
    }
    call_.own_first = std::move(first);
    call_.own_end = std::move(end);
    call_.similarities = call_.counts = length;
  }

  double any_number() {
    if (bytes_.ConsumeBool()) return bytes_.PickValueInArray(kNumbers);
    const auto bits = bytes_.ConsumeIntegral<uint64_t>();
    double number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
  }

  float any_float() {
    if (bytes_.ConsumeBool()) return bytes_.PickValueInArray(kFloats);
    const auto bits = bytes_.ConsumeIntegral<uint32_t>();
    float number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
  }

  void distort() {
    switch (bytes_.ConsumeIntegralInRange(0, 5)) {
      case 0:
        call_.distorted = true;
        call_.request[bytes_.ConsumeIntegralInRange<size_t>(0, kRequestFields - 1)] = any_number();
        return;
      case 1:
        distort_floats();
        return;
      case 2:
        distort_integers();
        return;
      case 3:
        call_.distorted = true;
        distort_length();
        return;
      case 4:
        call_.distorted = true;
        distort_output();
        return;
      default:  // the whole request, as it comes
        call_.distorted = true;
        for (double& number : call_.request) number = any_number();
    }
  }

  // Of arrays that are there, if any is.
  template <class T, size_t count>
  Given<T>& any_of(Given<T>* const (&arrays)[count]) {
    Given<T>* there[count];
    size_t size = 0;
    for (Given<T>* array : arrays)
      if (*array) there[size++] = array;
    return size > 0 ? *there[bytes_.ConsumeIntegralInRange<size_t>(0, size - 1)] : *arrays[0];
  }
  Given<float>& any_floats() {
    return any_of<float>(
        {&call_.anchors, &call_.candidates, &call_.upstream, &call_.first_moment, &call_.second_moment});
  }
  Given<int32_t>& any_integers() {
    return any_of<int32_t>(
        {&call_.candidate_rows, &call_.own_first, &call_.own_end, &call_.anchor_labels, &call_.candidate_labels});
  }

  void distort_floats() {
    Given<float>& array = any_floats();
    if (!array || array->empty()) return;
    call_.random_content = false;
    (*array)[bytes_.ConsumeIntegralInRange<size_t>(0, array->size() - 1)] = any_float();
  }

  void distort_integers() {
    Given<int32_t>& array = any_integers();
    if (!array || array->empty()) return;
    if (&array != &call_.anchor_labels && &array != &call_.candidate_labels) call_.distorted = true;
    // The last one most of all, beyond which ascending rows have no other.
    (*array)[array->size() - 1 - bytes_.ConsumeIntegralInRange<size_t>(0, array->size() - 1)] =
        bytes_.PickValueInArray<int32_t>({-1, 0, 1, 2, INT32_MIN, INT32_MAX, static_cast<int32_t>(candidates_)});
  }

  template <class T>
  void distort(Given<T>& array) {
    switch (bytes_.ConsumeIntegralInRange(0, 4)) {
      case 0:
        array.reset();
        return;
      case 1:
        array.emplace();
        return;
      case 2:
        array.emplace(static_cast<size_t>(anchors_), T{});
        return;
      case 3:
        if (array) array->push_back(T{1});
        return;
      default:
        if (array && !array->empty()) array->pop_back();
    }
  }
  // Also arrays that this call should not have.
  void distort_length() {
    Given<float>* const floats[] = {&call_.anchors, &call_.candidates, &call_.upstream, &call_.first_moment,
                                    &call_.second_moment};
    Given<int32_t>* const integers[] = {&call_.anchor_labels, &call_.candidate_labels, &call_.candidate_rows,
                                        &call_.own_first, &call_.own_end};
    if (bytes_.ConsumeBool())
      distort(*bytes_.PickValueInArray(floats));
    else
      distort(*bytes_.PickValueInArray(integers));
  }
  void distort_output() {
    Length* const lengths[] = {&call_.anchor_losses, &call_.gradient,     &call_.candidate_gradient,
                               &call_.matrix,        &call_.similarities, &call_.counts};
    Length& length = *bytes_.PickValueInArray(lengths);
    const int64_t now = length.value_or(0);
    length =
        bytes_.PickValueInArray<int64_t>({0, 1, now > 0 ? now - 1 : 0, now + 1, anchors_ * dim_, candidates_ * dim_});
    if (bytes_.ConsumeIntegralInRange(0, 3) == 3) length.reset();
  }

  FuzzedDataProvider bytes_;
  CallInput call_{};
  CandidateKind kind_ = CandidateKind::kBatch;
  int64_t anchors_ = 0, candidates_ = 0, dim_ = 0, rows_ = 0;
  bool chosen_ = false;
};

}  // namespace

CallInput decode(const uint8_t* data, size_t size) {
  return Decoder(data, size).run();
}

}  // namespace circle::fuzz
