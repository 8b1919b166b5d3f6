// The layout of a request and a report: scalars of one call in two arrays of doubles. lib/native.ts has the same lists
// in the same order, and its loader compares them with those that the addon exports.
#pragma once

#include <cstdint>

namespace circle::binding {

#define CIRCLE_REQUEST_FIELDS(FIELD) \
  FIELD(anchorCount)                 \
  FIELD(candidateCount)              \
  FIELD(dim)                         \
  FIELD(candidateKind)               \
  FIELD(pairLoss)                    \
  FIELD(gamma)                       \
  FIELD(margin)                      \
  FIELD(optimumPositive)             \
  FIELD(optimumNegative)             \
  FIELD(targetPositive)              \
  FIELD(targetNegative)              \
  FIELD(derivative)                  \
  FIELD(beyondPi)                    \
  FIELD(normalize)                   \
  FIELD(scope)                       \
  FIELD(reduction)                   \
  FIELD(upstream)                    \
  FIELD(checkFinite)                 \
  FIELD(threads)                     \
  FIELD(workspaceLimit)              \
  FIELD(precision)                   \
  FIELD(optimizer)                   \
  FIELD(learningRate)                \
  FIELD(weightDecay)                 \
  FIELD(momentum)                    \
  FIELD(beta1)                       \
  FIELD(beta2)                       \
  FIELD(epsilon)                     \
  FIELD(step)

#define CIRCLE_REPORT_FIELDS(FIELD) \
  FIELD(status)                     \
  FIELD(array)                      \
  FIELD(row)                        \
  FIELD(loss)                       \
  FIELD(validAnchors)               \
  FIELD(deviceError)

#define CIRCLE_ENUMERATOR(name) name,
#define CIRCLE_NAME(name) #name,

enum class RequestField { CIRCLE_REQUEST_FIELDS(CIRCLE_ENUMERATOR) kCount };
enum class ReportField { CIRCLE_REPORT_FIELDS(CIRCLE_ENUMERATOR) kCount };

constexpr const char* kRequestFieldNames[] = {CIRCLE_REQUEST_FIELDS(CIRCLE_NAME)};
constexpr const char* kReportFieldNames[] = {CIRCLE_REPORT_FIELDS(CIRCLE_NAME)};

#undef CIRCLE_ENUMERATOR
#undef CIRCLE_NAME
#undef CIRCLE_REQUEST_FIELDS
#undef CIRCLE_REPORT_FIELDS

}  // namespace circle::binding
