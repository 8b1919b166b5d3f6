// The floor: only the matrix products that the loss and its gradients contain, in OpenBLAS.
//
//   pair-wise, memory   S = X·Yᵀ, X' = S·Y             (Y = X for pair-wise)
//   class-level         S = X·Yᵀ, X' = S·Y, Y' = Sᵀ·X
//
// With the argument `similarities` only S, as a search needs it, some rows at a time: nobody could keep all of it.
//
// No normalisation, no logits, no symmetry: S stands in for the pair weights. Speaks the protocol of
// bench/contenders/serve.ts; `write` compares eight rows of each product with double precision instead of
// writing them. The first step allocates S and the results, so that its memory is counted as everyone's is.

#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

struct Problem {
  std::string kind;
  int n, c, dim;
  std::vector<float> x, y;           // inputs; y empty for pair-wise
  std::vector<float> s, to_x, to_y;  // products

  const std::vector<float>& candidates() const { return y.empty() ? x : y; }
  bool class_level() const { return kind == "class-level"; }
};

// out (rows × columns) = op(a) · op(b), all row-major.
void multiply(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int rows, int columns, int inner,
              const std::vector<float>& a, const std::vector<float>& b, std::vector<float>& out) {
  const int lda = ta == CblasNoTrans ? inner : rows;
  const int ldb = tb == CblasNoTrans ? columns : inner;
  cblas_sgemm(CblasRowMajor, ta, tb, rows, columns, inner, 1, a.data(), lda, b.data(), ldb, 0, out.data(),
              columns);
}

void step(Problem& p) {
  p.s.resize(size_t(p.n) * p.c);
  p.to_x.resize(size_t(p.n) * p.dim);
  multiply(CblasNoTrans, CblasTrans, p.n, p.c, p.dim, p.x, p.candidates(), p.s);
  multiply(CblasNoTrans, CblasNoTrans, p.n, p.dim, p.c, p.s, p.candidates(), p.to_x);
  if (!p.class_level()) return;
  p.to_y.resize(size_t(p.c) * p.dim);
  multiply(CblasTrans, CblasNoTrans, p.c, p.dim, p.n, p.s, p.x, p.to_y);
}

// S alone, rows of it at a time in the same memory; the last ones stay.
void similarities(Problem& p) {
  constexpr int kRows = 1024;
  p.s.resize(size_t(std::min(kRows, p.n)) * p.c);
  for (int row = 0; row < p.n; row += kRows)
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, std::min(kRows, p.n - row), p.c, p.dim, 1,
                &p.x[size_t(row) * p.dim], p.dim, p.candidates().data(), p.dim, 0, p.s.data(), p.c);
}

// Largest error of eight rows of a product (Σ_j w_j · row j), relative to the largest value in them.
struct Worst {
  double error = 0, largest = 0;
  void compare(double exact, float value) {
    error = std::fmax(error, std::fabs(exact - value));
    largest = std::fmax(largest, std::fabs(exact));
  }
  double relative() const { return error / largest; }
};

double dot(const float* a, const float* b, int dim) {
  double sum = 0;
  for (int k = 0; k < dim; ++k) sum += double(a[k]) * b[k];
  return sum;
}

// Checks rows of S and of (S or Sᵀ)·others against `rows`, `others`.
double check(const std::vector<float>& rows, const std::vector<float>& others, int dim,
             const std::vector<float>& s, size_t row_stride, size_t other_stride,
             const std::vector<float>& product) {
  const size_t row_count = rows.size() / dim, other_count = others.size() / dim;
  Worst similarity, sum;
  for (int sample = 0; sample < 8; ++sample) {
    const size_t row = sample * (row_count - 1) / 7;
    std::vector<double> exact(dim);
    for (size_t j = 0; j < other_count; ++j) {
      const double value = dot(&rows[row * dim], &others[j * dim], dim);
      similarity.compare(value, s[row * row_stride + j * other_stride]);
      for (int k = 0; k < dim; ++k) exact[k] += value * others[j * dim + k];
    }
    for (int k = 0; k < dim; ++k) sum.compare(exact[k], product[row * dim + k]);
  }
  return std::fmax(similarity.relative(), sum.relative());
}

double check(const Problem& p) {
  const double anchors = check(p.x, p.candidates(), p.dim, p.s, p.c, 1, p.to_x);
  return p.class_level() ? std::fmax(anchors, check(p.y, p.x, p.dim, p.s, 1, p.c, p.to_y)) : anchors;
}

std::vector<float> read(const char* name, size_t count) {
  std::vector<float> values(count);
  std::ifstream(name, std::ios::binary).read(reinterpret_cast<char*>(values.data()), count * sizeof(float));
  return values;
}

using Step = void (*)(Problem&);

void prepare(Problem& p, Step step) {
  double margin, gamma;
  std::cin >> p.kind >> p.n >> p.c >> p.dim >> margin >> gamma;
  p.x = read("embeddings", size_t(p.n) * p.dim);
  if (p.kind != "pair-wise") p.y = read("candidates", size_t(p.c) * p.dim);
  Problem tiny{p.kind, 8, 8, 8, std::vector<float>(64), std::vector<float>(64), {}, {}, {}};
  step(tiny);  // starts the threads
}

void time_steps(Problem& p, Step step) {
  int count;
  std::cin >> count;
  std::printf("{\"samples\":[");
  for (int i = 0; i < count; ++i) {
    const auto start = std::chrono::steady_clock::now();
    step(p);
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    std::printf("%s%.6f", i == 0 ? "" : ",", elapsed.count());
  }
  std::printf("]}\n");
}

}  // namespace

int main(int count, char** arguments) {
  const Step step = count > 1 && std::string(arguments[1]) == "similarities" ? similarities : ::step;
  Problem problem;
  std::string command;
  while (std::cin >> command) {
    if (command == "prepare") {
      prepare(problem, step);
      std::printf("{\"version\":\"%s\"}\n", openblas_get_config());
    } else if (command == "compute") {
      step(problem);
      std::printf("{}\n");
    } else if (command == "write") {
      std::printf("{\"productError\":%.3e}\n", check(problem));
    } else {
      time_steps(problem, step);
    }
    std::fflush(stdout);
  }
}
