// What the exchanges of one worker use, and what all workers share. Built by the server, passed
// down; nobody reaches for it from elsewhere.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "anthropic/models.hpp"
#include "anthropic/usage.hpp"
#include "auth/credentials.hpp"
#include "base/clock.hpp"
#include "config/config.hpp"
#include "http/client.hpp"
#include "json/reader.hpp"
#include "net/runtime.hpp"
#include "proxy/catalog.hpp"
#include "proxy/limits.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::proxy {

// Counts the bytes of request bodies that are held at the moment, all workers together, so that
// many large ones cannot take all memory.
class HeldBytes {
 public:
  explicit HeldBytes(std::size_t most) : most_(most) {}

  // False when it would be too much; then nothing was taken.
  [[nodiscard]] bool take(std::size_t size) {
    if (held_.fetch_add(size) + size <= most_) return true;
    held_.fetch_sub(size);
    return false;
  }
  void give_back(std::size_t size) { held_.fetch_sub(size); }

 private:
  std::atomic<std::size_t> held_ = 0;
  std::size_t most_;
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
  void release() { all_.give_back(std::exchange(size_, 0)); }

 private:
  HeldBytes& all_;
  std::size_t size_ = 0;
};

// Shared by all workers: constant, or safe from every thread.
struct Shared {
  config::Snapshot config;
  const anthropic::ModelTable& models;
  auth::Credentials& credentials;
  telemetry::Log& log;
  Catalog& catalog;
  HeldBytes held;
  bool verbose = false;  // the log shows header names
  std::string version;
  std::string upstream_prefix{};  // path that stands before every upstream path
  Limits limits{};
  Clock::time_point started = Clock::now();
  std::atomic<std::int64_t> in_flight = 0;
};

// One worker's own.
struct WorkerState {
  Shared& shared;
  net::Runtime& runtime;
  http::Client& upstream;
  json::Reader reader{};
  anthropic::UsageParsers usage_parsers{};
};

}  // namespace ccproxy::proxy
