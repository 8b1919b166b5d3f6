// One loss call, read from standard input and answered on standard output: what a binary for another CPU, which runs in an
// emulator without Node, computes of inputs that bench/accuracy has made. Numbers are as memory has them; both sides are
// little-endian. In: the request, the lengths of anchors, labels and candidates as doubles, and these arrays. Out: the
// report, the anchors' losses, the gradient, that of class weights. Argument: the instruction set.
#include <cstdio>
#include <vector>

#include "native/binding/call.h"
#include "native/binding/request.h"
#include "native/cpu/dispatch.h"
#include "native/cpu/engine.h"

namespace {

template <class T>
bool read(std::vector<T>& values, double length) {
  values.resize(static_cast<size_t>(length));
  return std::fread(values.data(), sizeof(T), values.size(), stdin) == values.size();
}

template <class T>
bool write(const std::vector<T>& values) {
  return std::fwrite(values.data(), sizeof(T), values.size(), stdout) == values.size();
}

template <class T>
circle::binding::View<T> view(std::vector<T>& values) {
  return {values.empty() ? nullptr : values.data(), static_cast<int64_t>(values.size())};
}

}  // namespace

int main(int count, char** words) {
  using namespace circle::binding;
  const circle::cpu::Kernels* const kernels = count > 1 ? circle::cpu::find_kernels(words[1]) : nullptr;
  if (!kernels) {
    std::fprintf(stderr, "usage: one_call <variant of this CPU> < call > answer\n");
    return 2;
  }
  std::vector<double> request, lengths, report(static_cast<size_t>(ReportField::kCount));
  std::vector<float> anchors, candidates;
  std::vector<int32_t> labels;
  if (!read(request, static_cast<double>(RequestField::kCount)) || !read(lengths, 3) || !read(anchors, lengths[0]) ||
      !read(labels, lengths[1]) || !read(candidates, lengths[2])) {
    std::fprintf(stderr, "Standard input must have a whole call.\n");
    return 1;
  }
  std::vector<float> anchor_losses(labels.size()), gradient(anchors.size()), candidate_gradient(candidates.size());
  CallArrays arrays;
  arrays.request = view(request);
  arrays.report = view(report);
  arrays.anchors = view(anchors);
  arrays.anchor_labels = view(labels);
  arrays.candidates.on_host = view(candidates);
  arrays.anchor_losses = view(anchor_losses);
  arrays.gradient = view(gradient);
  arrays.candidate_gradient = view(candidate_gradient);
  LossProblem made;
  circle::Outcome outcome{circle::Status::kInvalid};
  if (make_problem(arrays, made)) outcome = circle::cpu::Engine(*kernels).compute(made.problem, made.results, nullptr);
  write_report(arrays.report, outcome, &made.results);
  return write(report) && write(anchor_losses) && write(gradient) && write(candidate_gradient) ? 0 : 1;
}
