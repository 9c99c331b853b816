// Starts a real `ccproxy mock` and a real `ccproxy start` in front of it, on free ports, with a
// home folder of their own and without the environment of this machine. It refuses to know what a
// test sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/document.hpp"
#include "support/process.hpp"
#include "support/raw_client.hpp"

namespace ccproxy::test {

using json::Document;

// The credential of the proxy, unless the test's plan has another.
inline constexpr const char* kServerKey = "sk-ant-api03-the-servers-own";

// The fields that every client of the Anthropic API sends, and two bodies for them.
inline constexpr const char* kAnthropicFields =
    "anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n";
inline constexpr const char* kStreamedBody =
    R"({"model":"claude-sonnet-5","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hi"}]})";
inline constexpr const char* kWholeBody =
    R"({"model":"claude-sonnet-5","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]})";

// How the error message of a broken stream begins. Agents that read it send the request again.
inline constexpr const char* kConnectionLost = "\"message\":\"connection lost: ";

// How the programs are started. In all strings `{mock}` stands for the mock's URL, such as
// http://127.0.0.1:40123, `{port}` for its port, and `{home}` for the fixture's folder, which is
// CCPROXY_HOME.
struct Plan {
  unsigned workers = 1;
  std::string config{};  // config.json; "" writes no file
  Process::Environment environment{{"ANTHROPIC_API_KEY", kServerKey}};  // of the proxy
  std::vector<std::string> flags{};       // further flags of `ccproxy start`
  std::vector<std::string> mock_flags{};  // further flags of `ccproxy mock`
  std::string upstream = "{mock}";        // --upstream; "" omits the flag
};

class ProxyFixture {
 public:
  // Throws with the output of a program that does not start.
  explicit ProxyFixture(Plan plan = {});
  ProxyFixture(const ProxyFixture&) = delete;
  ProxyFixture& operator=(const ProxyFixture&) = delete;
  ProxyFixture(ProxyFixture&&) = delete;
  ProxyFixture& operator=(ProxyFixture&&) = delete;
  ~ProxyFixture();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint16_t mock_port() const { return mock_port_; }
  [[nodiscard]] const std::string& mock_url() const { return mock_url_; }
  [[nodiscard]] const std::string& home() const { return home_; }
  [[nodiscard]] Process& proxy() { return *proxy_; }
  [[nodiscard]] Process& mock() { return *mock_; }

  // Returns what the proxy has logged so far.
  [[nodiscard]] std::string log() const { return proxy_->errors(); }
  // Waits until the log contains `text`; false when it does not. A thread of its own writes the
  // log.
  [[nodiscard]] bool logs(std::string_view text) const;
  // Waits until the log has `count` receipts, and returns all of them. Throws when it has not.
  [[nodiscard]] std::vector<Document> receipts(std::size_t count);
  // Waits for the first receipt and returns it.
  [[nodiscard]] Document receipt() { return receipts(1).at(0); }

  // The mock's controls (docs/mock.md): its recorded requests, its connections, its script.
  [[nodiscard]] Document requests();
  void clear_requests();
  [[nodiscard]] Document status();
  void set_script(const Document& script);
  // Sets a script of one reply.
  void set_reply(const Document& reply);

  // Ends the proxy and starts it again with the same plan, on another port.
  void restart();

 private:
  void start_proxy();
  [[nodiscard]] std::string expand(std::string text) const;
  [[nodiscard]] std::string control(std::string_view method, std::string_view target,
                                    std::string_view body = {});

  Plan plan_;
  std::string home_, mock_url_;
  std::uint16_t port_ = 0, mock_port_ = 0;
  std::unique_ptr<Process> mock_, proxy_;
};

// Waits until a `ccproxy start` prints its address, and returns the port. Throws with what it has
// printed when it does not start.
[[nodiscard]] std::uint16_t wait_for_port(Process& process);

// Calls `is_so` until it returns true; false when it does not within `limit`.
[[nodiscard]] bool wait_until(const std::function<bool()>& is_so,
                              std::chrono::milliseconds limit = kTimeout);

// Returns the value of a recorded request's field, repeated lines joined with '|'; "" without one.
[[nodiscard]] std::string field_of(const Document& request, std::string_view name);

// Returns the body of a recorded request, also one that is recorded as Base64.
[[nodiscard]] std::string body_of(const Document& request);

// Returns the private memory of a process that is in RAM, in bytes, without its program text.
[[nodiscard]] std::size_t resident_bytes(pid_t pid);

// Returns what a process may grow by, in bytes: four times as much under the sanitizers, which keep
// freed memory and shadow every page.
[[nodiscard]] std::size_t allowed_growth(std::size_t megabytes);

}  // namespace ccproxy::test
