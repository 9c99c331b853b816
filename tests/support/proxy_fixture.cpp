#include "support/proxy_fixture.hpp"

#include <strings.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "http/client.hpp"
#include "net/runtime.hpp"
#include "net/tls.hpp"
#include "support/text.hpp"

namespace ccproxy::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* kCertificate = "/mock.pem";

std::string temporary_folder() {
  std::string name = std::filesystem::temp_directory_path() / "ccproxy-fixture-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("the fixture's folder cannot be created");
  return name;
}

// Waits for `before` in the output and returns the rest of its line.
std::string wait_for_text_after(Process& process, const std::string& before) {
  std::string found;
  const bool there = wait_until(
      [&] {
        const std::string output = process.output();
        const auto at = output.find(before);
        const auto end = at == std::string::npos ? at : output.find('\n', at);
        if (end != std::string::npos)
          found = output.substr(at + before.size(), end - at - before.size());
        return !found.empty() || !process.running();
      },
      seconds(20));
  if (there && !found.empty()) return found;
  // Standard error is read by another thread, perhaps a moment after the process was seen to end.
  (void)wait_until([&] { return !process.errors().empty(); }, seconds(1));
  throw std::runtime_error("it did not start:\n" + process.output() + process.errors());
}

std::uint16_t port_of(const std::string& url) {
  return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
}

// Sends one request to the mock's controls. It uses the program's own HTTP client, because the mock
// may speak TLS.
Task<void> exchange(http::Client& client, http::OutgoingRequest request, std::string_view body,
                    std::string& reply) {
  auto call = co_await client.open(true);
  if (!call) throw std::runtime_error("mock: " + call.error().message);
  auto sent = co_await (*call)->send(request, body, true);
  auto head = co_await (*call)->read_head();
  if (!sent || !head) throw std::runtime_error("the mock does not reply");
  while (true) {
    auto piece = co_await (*call)->read_body();
    if (!piece) throw std::runtime_error("mock: " + piece.error().message);
    if (piece->empty()) break;
    reply += *piece;
  }
  if (head->status != 200) throw std::runtime_error("mock: " + reply);
}

Task<void> finish(net::Runtime& runtime, Task<void> work, std::exception_ptr& failure) {
  try {
    co_await std::move(work);
  } catch (...) {
    failure = std::current_exception();
  }
  runtime.stop();
}

}  // namespace

ProxyFixture::ProxyFixture(Plan plan) : plan_(std::move(plan)), home_(temporary_folder()) {
  std::vector<std::string> arguments = {"mock", "--port", "0", "--pace", "none", "--quiet"};
  for (const std::string& flag : plan_.mock_flags) arguments.push_back(expand(flag));
  mock_ = std::make_unique<Process>(CCPROXY_BINARY, arguments, Process::Environment{});
  mock_url_ = wait_for_text_after(*mock_, "simulated Claude API on ");
  mock_port_ = port_of(mock_url_);
  start_proxy();
}

ProxyFixture::~ProxyFixture() {
  proxy_.reset();
  mock_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(home_, ignored);
}

void ProxyFixture::start_proxy() {
  if (!plan_.config.empty()) std::ofstream(home_ + "/config.json") << expand(plan_.config);
  std::vector<std::string> arguments = {"start", "--port", "0", "--workers",
                                        std::to_string(plan_.workers)};
  if (!plan_.upstream.empty()) {
    arguments.emplace_back("--upstream");
    arguments.push_back(expand(plan_.upstream));
  }
  for (const std::string& flag : plan_.flags) arguments.push_back(expand(flag));
  Process::Environment environment = {{"CCPROXY_HOME", home_}, {"HOME", home_}};
  for (const auto& [name, value] : plan_.environment) environment[name] = expand(value);
  proxy_ = std::make_unique<Process>(CCPROXY_BINARY, arguments, environment);
  port_ = wait_for_port(*proxy_);
}

void ProxyFixture::restart() {
  proxy_.reset();
  start_proxy();
}

std::string ProxyFixture::expand(std::string text) const {
  replace_all(text, "{mock}", mock_url_);
  replace_all(text, "{port}", std::to_string(mock_port_));
  replace_all(text, "{home}", home_);
  return text;
}

std::vector<Document> ProxyFixture::receipts(std::size_t count) {
  std::vector<Document> found;
  const bool there = wait_until([&] {
    found.clear();
    std::istringstream lines(log());
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
      const auto read = json::parse_document(line);
      if (read && read->value("event", "") == "request") found.push_back(*read);
    }
    return found.size() >= count;
  });
  if (!there) throw std::runtime_error("a receipt is missing in the log:\n" + log());
  return found;
}

bool ProxyFixture::logs(std::string_view text) const {
  return wait_until([&] { return log().find(text) != std::string::npos; });
}

std::string ProxyFixture::control(std::string_view method, std::string_view target,
                                  std::string_view body) {
  net::Runtime runtime;
  const bool tls = mock_url_.starts_with("https");
  std::unique_ptr<net::TlsContext> context;
  if (tls) {
    auto client_context = net::TlsContext::client(home_ + kCertificate);
    if (!client_context) throw std::runtime_error(client_context.error().message);
    context = std::move(*client_context);
  }
  const auto begin = mock_url_.find("//") + 2;
  const std::string host = mock_url_.substr(begin, mock_url_.rfind(':') - begin);
  http::Client client(runtime, http::Origin{tls, host, mock_port_, host}, context.get(),
                      http::ClientLimits{});
  std::string reply;
  std::exception_ptr failure;
  const http::OutgoingRequest request{method, target, {}, body.size()};
  runtime.spawn(finish(runtime, exchange(client, request, body, reply), failure));
  runtime.run();
  if (failure) std::rethrow_exception(failure);
  return reply;
}

Document ProxyFixture::requests() { return Document::parse(control("GET", "/mock/requests")); }
void ProxyFixture::clear_requests() { (void)control("DELETE", "/mock/requests"); }
Document ProxyFixture::status() { return Document::parse(control("GET", "/mock/status")); }
void ProxyFixture::set_script(const Document& script) {
  (void)control("PUT", "/mock/script", script.dump());
}
void ProxyFixture::set_reply(const Document& reply) {
  set_script({{"replies", Document::array({reply})}});
}

std::uint16_t wait_for_port(Process& process) {
  return port_of(wait_for_text_after(process, "listening on http://"));
}

bool wait_until(const std::function<bool()>& is_so, milliseconds limit) {
  const auto give_up = steady_clock::now() + limit;
  while (!is_so()) {
    if (steady_clock::now() >= give_up) return false;
    std::this_thread::sleep_for(milliseconds(3));
  }
  return true;
}

std::string field_of(const Document& request, std::string_view name) {
  std::string found;
  for (const Document& pair : request.at("headers")) {
    const auto& field = pair.at(0).get_ref<const std::string&>();
    if (field.size() != name.size() || ::strncasecmp(field.data(), name.data(), name.size()) != 0)
      continue;
    if (!found.empty()) found += '|';
    found += pair.at(1).get<std::string>();
  }
  return found;
}

std::string body_of(const Document& request) {
  if (request.contains("body")) return request.at("body").get<std::string>();
  const std::string text = request.at("body_base64").get<std::string>();
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned held = 0;
  int bits = 0;
  for (const char c : text) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;
    held = (held << 6U | static_cast<unsigned>(digit)) & 0xffffU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> static_cast<unsigned>(bits) & 0xffU);
  }
  return bytes;
}

std::size_t resident_bytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("RssAnon:")) return std::stoul(line.substr(8)) * 1024;
  return 0;
}

std::size_t allowed_growth(std::size_t megabytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr bool kSanitized = true;
#elif defined(__has_feature)
  constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
  constexpr bool kSanitized = false;
#endif
  return (megabytes * (kSanitized ? 4 : 1)) << 20U;
}

}  // namespace ccproxy::test
