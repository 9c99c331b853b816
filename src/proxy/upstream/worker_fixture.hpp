// For tests of what serves requests: one worker with everything that workers share, and an upstream
// on the loopback interface that follows a script. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anthropic/models_data.hpp"
#include "auth/credentials.hpp"
#include "http/test_upstream.hpp"
#include "net/test_loop.hpp"
#include "proxy/state/worker_state.hpp"
#include "telemetry/access_log.hpp"
#include "telemetry/log.hpp"

namespace ccproxy::proxy {

// Keeps the lines in memory.
class MemoryLog final : public telemetry::Log {
 public:
  void set_level(telemetry::Level) override {}
  [[nodiscard]] bool wants(telemetry::Level) const override { return true; }
  [[nodiscard]] telemetry::Line line(telemetry::Level level,
                                     std::string_view event) const override {
    return {telemetry::Format::kLogfmt, WallClock::now(), level, event};
  }
  void write(telemetry::Level, telemetry::Line line) override {
    text += std::move(line).take() + "\n";
  }

  std::string text;
};

class WorkerFixture {
 public:
  static constexpr std::string_view kApiKey = "sk-test";

  // `scripts` are those of http::Upstream: one a connection. The base URL of `config` becomes that
  // of the scripted upstream.
  explicit WorkerFixture(std::vector<http::Script> scripts, config::Config config = {},
                         std::string_view models = anthropic::kModelsJson)
      : server_(loop_, std::move(scripts)),
        config_(finished(std::move(config))),
        models_(anthropic::parse_models(models).value()) {
    EXPECT_TRUE(responses_.configure(config_->store));
  }
  WorkerFixture(const WorkerFixture&) = delete;
  WorkerFixture& operator=(const WorkerFixture&) = delete;
  WorkerFixture(WorkerFixture&&) = delete;
  WorkerFixture& operator=(WorkerFixture&&) = delete;
  ~WorkerFixture() {
    responses_.close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // Runs until `test` ends. Call once.
  void run(Task<void> test) { loop_.run(std::move(test)); }

  [[nodiscard]] net::Runtime& runtime() { return loop_.runtime(); }
  [[nodiscard]] WorkerState& worker() { return worker_; }
  [[nodiscard]] Shared& shared() { return shared_; }
  [[nodiscard]] const config::Config& config() const { return *config_; }
  [[nodiscard]] const config::Snapshot& snapshot() const { return config_; }
  [[nodiscard]] ResponseStore& responses() { return responses_; }
  [[nodiscard]] const std::string& log() const { return log_.text; }
  // What the upstream has received: heads with their bodies, in order.
  [[nodiscard]] const std::vector<std::string>& requests() const { return server_.requests(); }

 private:
  [[nodiscard]] config::Snapshot finished(config::Config config) const {
    config.upstream.base_url = "http://127.0.0.1:" + std::to_string(server_.origin().port);
    return std::make_shared<const config::Config>(std::move(config));
  }
  static std::string new_folder() {
    std::string folder = std::filesystem::temp_directory_path() / "ccproxy-worker-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    return folder;
  }
  [[nodiscard]] auth::Sources sources() const {
    return {.auth_path = folder_ + "/auth.json", .api_key = std::string(kApiKey)};
  }

  std::string folder_ = new_folder();
  net::TestLoop loop_;
  http::Upstream server_;
  config::Snapshot config_;
  anthropic::ModelTable models_;
  MemoryLog log_;
  auth::Credentials credentials_{loop_.runtime(), sources(), *config_, "ccproxy/test",
                                 [](auth::Severity, const std::string&) {}};
  ModelCatalog catalog_{models_, *config_};
  ThinkingMemory thinking_{std::size_t{1} << 20};
  ResponseStore responses_{folder_ + "/responses.db"};
  Shared shared_{config::Live(config_),
                 models_,
                 credentials_,
                 log_,
                 catalog_,
                 thinking_,
                 responses_,
                 MemoryBudget(config_->limits.held_bytes),
                 net::WorkPool(1, 8),
                 false,
                 "0.0.0"};
  WorkerState worker_{shared_, loop_.runtime(), make_upstream(loop_.runtime(), *config_).value()};
};

// A response with a JSON body.
inline std::string json_response(int status, const std::string& body,
                                 const std::string& fields = {}) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + fields + "\r\n" + body;
}

// An error of the upstream's, in its shape.
inline std::string error_response(int status, const std::string& message,
                                  const std::string& fields = {}) {
  const std::string body =
      R"({"type":"error","error":{"type":"invalid_request_error","message":")" + message + R"("}})";
  return json_response(status, body, fields);
}

// An event stream that ends in order.
inline std::string stream_response(const std::string& events) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " +
         std::to_string(events.size()) + "\r\n\r\n" + events;
}

}  // namespace ccproxy::proxy
