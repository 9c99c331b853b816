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
#include "proxy/state/response_store.hpp"
#include "proxy/state/shared_state.hpp"
#include "proxy/state/test_log.hpp"
#include "proxy/state/upstream.hpp"
#include "proxy/state/worker_state.hpp"
#include "telemetry/access_log.hpp"

namespace ccproxy::proxy {

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
    EXPECT_TRUE(responses().configure(config_->store));
    worker_.upstream = make_upstream(loop_.runtime(), *config_).value();
  }
  WorkerFixture(const WorkerFixture&) = delete;
  WorkerFixture& operator=(const WorkerFixture&) = delete;
  WorkerFixture(WorkerFixture&&) = delete;
  WorkerFixture& operator=(WorkerFixture&&) = delete;
  ~WorkerFixture() {
    responses().close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // Runs until `test` ends. Call once.
  void run(Task<void> test) { loop_.run(std::move(test)); }

  [[nodiscard]] net::Runtime& runtime() { return loop_.runtime(); }
  [[nodiscard]] WorkerState& worker() { return worker_; }
  [[nodiscard]] Shared& shared() { return state_.shared(); }
  [[nodiscard]] const config::Config& config() const { return *config_; }
  [[nodiscard]] const config::Snapshot& snapshot() const { return config_; }
  [[nodiscard]] ResponseStore& responses() { return shared().responses; }
  [[nodiscard]] std::string log() const { return log_.text(); }
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
  TestLog log_;
  auth::Credentials credentials_{loop_.runtime(), sources(), *config_, "ccproxy/test",
                                 [](auth::Severity, const std::string&) {}};
  SharedState state_{config_, models_, credentials_, log_, folder_ + "/responses.db",
                     "0.0.0", false};
  WorkerState worker_{state_.shared(), loop_.runtime()};
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
