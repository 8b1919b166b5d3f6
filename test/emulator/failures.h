// What kernels and copies did wrong, in words, for emulator::failures().
#pragma once

#include <string>
#include <vector>

namespace circle::cuda::emulator {

void report_failure(std::string what);
std::vector<std::string>& reported_failures();

}  // namespace circle::cuda::emulator
