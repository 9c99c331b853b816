// What the exchanges of one worker use, and what all workers share. Built by the server, passed
// down; nobody reaches for it from elsewhere.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "anthropic/event.hpp"
#include "anthropic/models.hpp"
#include "anthropic/usage.hpp"
#include "auth/credentials.hpp"
#include "base/clock.hpp"
#include "config/live.hpp"
#include "json/outline.hpp"
#include "json/reader.hpp"
#include "net/runtime.hpp"
#include "proxy/catalog.hpp"
#include "proxy/limits.hpp"
#include "proxy/model_facts.hpp"
#include "proxy/response_store.hpp"
#include "proxy/thinking_memory.hpp"
#include "proxy/upstream.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::proxy {

// Counts the bytes of request bodies that are held at the moment, all workers together, so that
// many large ones cannot take all memory.
class HeldBytes {
 public:
  explicit HeldBytes(std::size_t most) : most_(most) {}

  // False when it would be too much; then nothing was taken.
  [[nodiscard]] bool take(std::size_t size) {
    if (held_.fetch_add(size) + size <= most_.load(std::memory_order_relaxed)) return true;
    held_.fetch_sub(size);
    return false;
  }
  void give_back(std::size_t size) { held_.fetch_sub(size); }
  void set_most(std::size_t most) { most_ = most; }

 private:
  std::atomic<std::size_t> held_ = 0;
  std::atomic<std::size_t> most_;
};

// Bytes taken from HeldBytes, given back when it ends.
class Hold {
 public:
  explicit Hold(HeldBytes& all) : all_(all) {}
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  Hold(Hold&&) = delete;
  Hold& operator=(Hold&&) = delete;
  ~Hold() { release(); }

  [[nodiscard]] bool grow(std::size_t size) {
    if (!all_.take(size)) return false;
    size_ += size;
    return true;
  }
  void shrink(std::size_t size) {
    all_.give_back(size);
    size_ -= size;
  }
  void release() { all_.give_back(std::exchange(size_, 0)); }
  // What the other one has counted is counted here from now on.
  void take_over(Hold& other) { size_ += std::exchange(other.size_, 0); }

 private:
  HeldBytes& all_;
  std::size_t size_ = 0;
};

// What the thinking memory may hold.
[[nodiscard]] inline std::size_t thinking_bytes(const config::Config& config) {
  return config.thinking_memory_mb << 20;
}

// Shared by all workers: constant, or safe from every thread.
struct Shared {
  config::Live config;
  const anthropic::ModelTable& models;
  auth::Credentials& credentials;
  telemetry::Log& log;
  Catalog& catalog;
  ThinkingMemory& thinking;
  ResponseStore& responses;
  HeldBytes held;
  bool verbose = false;  // the log shows header names
  std::string version;
  Limits limits{};
  ModelFacts facts{models};
  Clock::time_point started = Clock::now();
  std::atomic<std::int64_t> in_flight = 0;
  std::atomic<std::size_t> clients = 0;  // connected, of all workers
};

class BackgroundResponse;

// Responses that a worker runs without a client (proxy/background.hpp).
class BackgroundResponses {
 public:
  void add(std::shared_ptr<BackgroundResponse> response);
  void remove(const BackgroundResponse* response);
  void cut();
  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  // Called when the last one has ended.
  void on_empty(std::function<void()> call) { on_empty_ = std::move(call); }

 private:
  std::list<std::shared_ptr<BackgroundResponse>> all_;
  std::function<void()> on_empty_;
};

// One worker's own.
struct WorkerState {
  Shared& shared;
  net::Runtime& runtime;
  std::shared_ptr<Upstream> upstream;
  json::Reader reader{};
  anthropic::UsageParsers usage_parsers{};
  // For one call at a time: nothing of them outlives it.
  json::Outline outline{};
  anthropic::EventReader events{};
  BackgroundResponses background{};
};

}  // namespace ccproxy::proxy
