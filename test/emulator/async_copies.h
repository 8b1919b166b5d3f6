// One thread's copies from global to shared memory that are under way. They land as late as they may: in the wait for
// their group. Until then the destination is poison, and the source can change.
#pragma once

#include <cstring>
#include <vector>

#include "test/emulator/poison.h"

namespace circle::cuda::emulator {

class AsyncCopies {
 public:
  static constexpr size_t kBytes = 16;

  // Without a source: zeros.
  void start(void* to, const void* from) {
    poison(to, kBytes);
    under_way_.push_back({to, from, groups_});
  }
  void commit() { ++groups_; }
  // Until at most `pending` of the youngest groups are under way.
  void wait(int pending) {
    size_t landed = 0;
    for (; landed < under_way_.size() && under_way_[landed].group < groups_ - pending; ++landed)
      land(under_way_[landed]);
    under_way_.erase(under_way_.begin(), under_way_.begin() + static_cast<std::ptrdiff_t>(landed));
  }
  bool all_landed() const { return under_way_.empty(); }
  void forget() {
    under_way_.clear();
    groups_ = 0;
  }

 private:
  struct Copy {
    void* to;
    const void* from;
    int group;
  };

  static void land(const Copy& copy) {
    if (copy.from)
      std::memcpy(copy.to, copy.from, kBytes);
    else
      std::memset(copy.to, 0, kBytes);
  }

  std::vector<Copy> under_way_;
  int groups_ = 0;  // committed
};

}  // namespace circle::cuda::emulator
