// The losses of test/native/plain_engine.h as requests, in their order.
#pragma once

#include <array>

#include "test/fuzz/call_input.h"

namespace circle::fuzz {

enum class LossKind { kCircle, kUnified, kArcFace, kTriplet };

struct LossRequest {
  LossKind kind;
  double gamma, margin;
  double optimum_positive, target_positive, optimum_negative, target_negative;
  double derivative, beyond_pi;
};

constexpr std::array<LossRequest, 7> kLosses = {{{LossKind::kCircle, 80, 0, 1.4, 0.6, -0.4, 0.4, 0, 0},
                                                 {LossKind::kCircle, 80, 0, 1.4, 0.6, -0.4, 0.4, 1, 0},
                                                 {LossKind::kCircle, 48, 0, 0.9, 1.1, 0.1, -0.1, 0, 0},
                                                 {LossKind::kUnified, 64, 0.35, 0, 0, 0, 0, 0, 0},
                                                 {LossKind::kArcFace, 64, 0.5, 0, 0, 0, 0, 1, 0},
                                                 {LossKind::kArcFace, 16, 0.3, 0, 0, 0, 0, 0, 1},
                                                 {LossKind::kTriplet, 1, 0.2, 0, 0, 0, 0, 0, 0}}};

inline void fill_loss_request(const LossRequest& loss, std::array<double, kRequestFields>& request) {
  const auto set = [&](binding::RequestField field, double value) { request[static_cast<size_t>(field)] = value; };
  using Field = binding::RequestField;
  set(Field::pairLoss, static_cast<int>(loss.kind));
  set(Field::gamma, loss.gamma);
  set(Field::margin, loss.margin);
  set(Field::optimumPositive, loss.optimum_positive);
  set(Field::targetPositive, loss.target_positive);
  set(Field::optimumNegative, loss.optimum_negative);
  set(Field::targetNegative, loss.target_negative);
  set(Field::derivative, loss.derivative);
  set(Field::beyondPi, loss.beyond_pi);
}

}  // namespace circle::fuzz
