#include "test/emulator/streams.h"

#include <algorithm>

namespace circle::cuda::emulator {
namespace {

cudaStream_t handle_of(const std::shared_ptr<Stream>& stream) {
  return reinterpret_cast<cudaStream_t>(stream.get());
}

template <class List>
auto find_in(List& list, const void* handle) {
  return std::find_if(list.begin(), list.end(), [=](const auto& one) { return one.get() == handle; });
}

}  // namespace

cudaError_t Position::reach() const {
  return stream ? stream->run_to(number) : cudaSuccess;
}

bool Position::reached() const {
  return !stream || stream->finished() >= number;
}

void Stream::add(std::vector<Position> after, Work work) {
  queue_.push_back({std::move(after), std::move(work)});
  ++queued_;
}

cudaError_t Stream::run_to(uint64_t number) {
  while (finished_ < number && !queue_.empty()) {
    const Piece piece = std::move(queue_.front());
    queue_.pop_front();
    for (const Position& position : piece.after)
      if (const cudaError_t error = position.reach(); error_ == cudaSuccess) error_ = error;
    if (error_ == cudaSuccess) error_ = piece.work();
    ++finished_;
  }
  return error_;
}

void Stream::clear() {
  queue_.clear();
  finished_ = queued_;
  error_ = cudaSuccess;
}

cudaStream_t Streams::create(StreamKind kind, int device) {
  entries_.push_back({std::make_shared<Stream>(kind, device), false});
  return handle_of(entries_.back().stream);
}

bool Streams::destroy(cudaStream_t handle) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [=](const Entry& entry) {
    return handle_of(entry.stream) == handle && !entry.destroyed && entry.stream->kind != StreamKind::kNull;
  });
  if (found == entries_.end()) return false;
  found->destroyed = true;
  if (found->stream->idle()) entries_.erase(found);
  return true;
}

std::shared_ptr<Stream> Streams::find(cudaStream_t handle, int device) {
  for (const Entry& entry : entries_) {
    const bool is_null = entry.stream->kind == StreamKind::kNull;
    if (handle ? handle_of(entry.stream) == handle && !entry.destroyed : is_null && entry.stream->device == device)
      return entry.stream;
  }
  if (handle) return nullptr;
  create(StreamKind::kNull, device);
  return entries_.back().stream;
}

void Streams::add(Stream& stream, Stream::Work work, std::vector<Position> after) {
  const auto waits_for = [&](const Stream& other) {
    if (other.device != stream.device || &other == &stream || other.idle()) return false;
    return (stream.kind == StreamKind::kNull && other.kind == StreamKind::kBlocking) ||
           (stream.kind == StreamKind::kBlocking && other.kind == StreamKind::kNull);
  };
  for (const Entry& entry : entries_)
    if (waits_for(*entry.stream)) after.push_back(entry.stream->end());
  stream.add(std::move(after), std::move(work));
}

cudaError_t Streams::synchronize(int device) {
  cudaError_t first = cudaSuccess;
  for (const Entry& entry : entries_)
    if (entry.stream->device == device)
      if (const cudaError_t error = entry.stream->end().reach(); first == cudaSuccess) first = error;
  const auto is_over = [](const Entry& entry) { return entry.destroyed && entry.stream->idle(); };
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(), is_over), entries_.end());
  return first;
}

void Streams::clear() {
  for (const Entry& entry : entries_) entry.stream->clear();
}

cudaEvent_t Streams::create_event(bool has_time) {
  events_.push_back(std::make_unique<Event>(Event{has_time, nullptr}));
  return reinterpret_cast<cudaEvent_t>(events_.back().get());
}

bool Streams::destroy_event(cudaEvent_t handle) {
  const auto found = find_in(events_, handle);
  if (found == events_.end()) return false;
  events_.erase(found);
  return true;
}

Event* Streams::find_event(cudaEvent_t handle) const {
  const auto found = find_in(events_, handle);
  return found == events_.end() ? nullptr : found->get();
}

int Streams::count() const {
  return static_cast<int>(std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return !entry.destroyed && entry.stream->kind != StreamKind::kNull;
  }));
}

}  // namespace circle::cuda::emulator
