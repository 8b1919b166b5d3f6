// Bytes → a call as JavaScript might make it: the request, and which arrays there are, how long, with what in them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "native/binding/request.h"

namespace circle::fuzz {

enum class Operation { kCompute, kSimilarity, kNearest, kRank, kCount };

template <class T>
using Given = std::optional<std::vector<T>>;
using Length = std::optional<int64_t>;  // of an output; none where it is not asked for

constexpr size_t kRequestFields = static_cast<size_t>(binding::RequestField::kCount);

struct CallInput {
  Operation operation;
  size_t variant;       // of those that the machine has
  size_t definition;    // of test/native/plain_engine.h, while the request is not distorted
  bool aborted;         // before it begins
  bool random_content;  // numbers in [−1, 1) of either sign, none of them chosen
  bool distorted;       // the request or a length is not what it should be
  std::array<double, kRequestFields> request;
  Given<float> anchors, candidates, upstream, first_moment, second_moment;
  Given<int32_t> anchor_labels, candidate_labels, candidate_rows, own_first, own_end;
  Length anchor_losses, gradient, candidate_gradient, matrix, similarities, counts;

  double& at(binding::RequestField field) { return request[static_cast<size_t>(field)]; }
  double at(binding::RequestField field) const { return request[static_cast<size_t>(field)]; }
};

CallInput decode(const uint8_t* data, size_t size);

}  // namespace circle::fuzz
