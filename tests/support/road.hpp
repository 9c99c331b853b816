// The whole road as a person has it: the real `ccproxy mock` and the real `ccproxy start` before
// it, on free ports, with a home of their own and nothing of the machine's environment. It refuses
// to know what a test asks.
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

// The credential that a road's proxy holds, unless its plan says otherwise.
inline constexpr const char* kServerKey = "sk-ant-api03-the-servers-own";

// What a client of the Anthropic API sends at the least, and two bodies for it.
inline constexpr const char* kFields =
    "anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n";
inline constexpr const char* kStreamed =
    R"({"model":"claude-sonnet-5","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Hi"}]})";
inline constexpr const char* kWhole =
    R"({"model":"claude-sonnet-5","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]})";

// In all texts `{mock}` stands for the mock's address, such as http://127.0.0.1:40123, `{port}` for
// the port in it, and `{home}` for the road's folder, which is CCPROXY_HOME.
struct Plan {
  unsigned workers = 1;
  std::string config{};  // config.json; "" writes none
  Process::Environment environment{{"ANTHROPIC_API_KEY", kServerKey}};  // of the proxy
  std::vector<std::string> flags{};                                     // more of `ccproxy start`
  std::vector<std::string> mock_flags{};                                // more of `ccproxy mock`
  std::string upstream = "{mock}";                                      // --upstream; "": not given
};

class ProxyFixture {
 public:
  // Throws with what the programs printed when one of them does not come up.
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

  // What the proxy has logged: all of it, or the receipts, waiting until there are `count`.
  [[nodiscard]] std::string log() const { return proxy_->errors(); }
  // True when the log says `text`, now or soon: its lines are written by a thread of their own.
  [[nodiscard]] bool logs(std::string_view text) const;
  [[nodiscard]] std::vector<Document> receipts(std::size_t count);
  // The one receipt; waits for it.
  [[nodiscard]] Document receipt() { return receipts(1).at(0); }

  // The mock's controls (docs/mock.md).
  [[nodiscard]] Document requests();
  void forget_requests();
  [[nodiscard]] Document status();
  void script(const Document& script);
  // A script of one reply.
  void reply(const Document& reply);

  // Ends the proxy and starts it again with the same plan, on another port.
  void restart();

 private:
  void start_proxy();
  [[nodiscard]] std::string filled_in(std::string text) const;
  [[nodiscard]] std::string control(std::string_view method, std::string_view target,
                                    std::string_view body = {});

  Plan plan_;
  std::string home_, mock_url_;
  std::uint16_t port_ = 0, mock_port_ = 0;
  std::unique_ptr<Process> mock_, proxy_;
};

// Looks again and again until it is so; false when it still is not after `limit`.
[[nodiscard]] bool wait_until(const std::function<bool()>& is_so,
                              std::chrono::milliseconds limit = kTimeout);

// The field of a recorded request, all of its lines joined with '|'; "" when there is none.
[[nodiscard]] std::string field_of(const Document& request, std::string_view name);

// The body of a recorded request, from whichever form it is shown in.
[[nodiscard]] std::string body_of(const Document& request);

// Memory of its own that a process holds in RAM, in bytes; its program text is not counted.
[[nodiscard]] std::size_t resident_bytes(pid_t pid);

// What a process may grow by, in bytes. Four times as much under the sanitizers, which keep freed
// memory back and a shadow of every page.
[[nodiscard]] std::size_t room_to_grow(std::size_t megabytes);

}  // namespace ccproxy::test
