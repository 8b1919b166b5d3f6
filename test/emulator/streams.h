// Streams that run as late as they may. Work is queued; it runs when somebody waits for it, and what it depends on runs
// then too, in other streams, up to where it is needed. A host that reads a result or reuses a buffer too early does so
// every time.
#pragma once

#include <cuda_runtime.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace circle::cuda::emulator {

enum class StreamKind { kNull, kBlocking, kNonBlocking };

class Stream;

// All the work of a stream up to some piece of it.
struct Position {
  std::shared_ptr<Stream> stream;
  uint64_t number = 0;

  // The stream's error, if it has one.
  cudaError_t reach() const;
  bool reached() const;
};

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(StreamKind kind, int device) : kind(kind), device(device) {}

  using Work = std::function<cudaError_t()>;
  // Runs when its turn has come and `after` has been reached.
  void add(std::vector<Position> after, Work work);
  cudaError_t run_to(uint64_t number);
  void run_one() { run_to(finished_ + 1); }
  // Loses what has not run.
  void clear();

  Position end() { return {shared_from_this(), queued_}; }
  bool idle() const { return queue_.empty(); }
  uint64_t finished() const { return finished_; }
  // The first failure: it stays, and nothing runs after it.
  cudaError_t error() const { return error_; }

  const StreamKind kind;
  const int device;

 private:
  struct Piece {
    std::vector<Position> after;
    Work work;
  };

  std::deque<Piece> queue_;
  uint64_t queued_ = 0, finished_ = 0;
  cudaError_t error_ = cudaSuccess;
};

// Where an event was recorded last.
struct Event {
  struct Mark {
    Position at;
    std::chrono::steady_clock::time_point time;
  };
  bool has_time;
  std::shared_ptr<Mark> mark;
};

// All streams and events of the process.
class Streams {
 public:
  cudaStream_t create(StreamKind kind, int device);
  // Its work runs all the same, when somebody waits for the device.
  bool destroy(cudaStream_t handle);
  // Of nullptr: the null stream of that device. Nothing where there is no such stream.
  std::shared_ptr<Stream> find(cudaStream_t handle, int device);
  // In order with the null stream, unless the stream is a non-blocking one.
  void add(Stream& stream, Stream::Work work, std::vector<Position> after = {});
  cudaError_t synchronize(int device);
  // Loses all work; null streams forget their errors.
  void clear();

  cudaEvent_t create_event(bool has_time);
  bool destroy_event(cudaEvent_t handle);
  Event* find_event(cudaEvent_t handle) const;

  int count() const;
  int event_count() const { return static_cast<int>(events_.size()); }

 private:
  struct Entry {
    std::shared_ptr<Stream> stream;
    bool destroyed;
  };

  std::vector<Entry> entries_;
  std::vector<std::unique_ptr<Event>> events_;
};

}  // namespace circle::cuda::emulator
