// Recorded requests of real clients (tests/golden/messages/README.md): each case goes through the
// real program, request and response in fragments of every size.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "support/raw_upstream.hpp"
#include "support/text.hpp"

namespace ccproxy::test {
namespace {

constexpr std::string_view kBlankLine = "\r\n\r\n";
const std::string kCases = std::string(CCPROXY_SOURCE_DIR) + "/tests/golden/messages/";

// The content of one file: the lines of the head, beginning with the start line, and the body.
struct Message {
  std::vector<std::string> head;
  std::string body;

  [[nodiscard]] bool has(std::string_view line) const {
    return std::find(head.begin(), head.end(), line) != head.end();
  }
};

// Reads a file of a case; nullopt when the case does not have it. `host` and `received_body`
// replace {host} and {as it came}.
std::optional<Message> read_message(const std::string& path, const std::string& host,
                                    const std::string& received_body) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto blank = text.find("\n\n");
  Message message;
  message.body = text.substr(blank + 2);
  if (message.body == "{as it came}") message.body = received_body;
  for (std::size_t at = 0; at < blank;) {
    const auto end = std::min(text.find('\n', at), blank);
    std::string line = text.substr(at, end - at);
    replace_all(line, "{host}", host);
    replace_all(line, "{length}", std::to_string(message.body.size()));
    message.head.push_back(std::move(line));
    at = end + 1;
  }
  return message;
}

Message split(std::string_view head, std::string body) {
  Message message;
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    message.head.emplace_back(head.substr(0, end));
    head.remove_prefix(end + 2);
    if (head == "\r\n") break;
  }
  message.body = std::move(body);
  return message;
}

std::string wire_text(const Message& message) {
  std::string wire;
  for (const std::string& line : message.head) wire += line + "\r\n";
  wire += "\r\n";
  if (!message.has("transfer-encoding: chunked")) return wire + message.body;
  for (std::string_view rest = message.body; !rest.empty();) {
    const auto border = rest.find("\n\n");
    const auto size = border == std::string_view::npos ? rest.size() : border + 2;
    wire += chunked(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  return wire + "0\r\n\r\n";
}

void send_in_fragments(RawClient& peer, std::string_view wire, std::size_t size) {
  for (; !wire.empty(); wire.remove_prefix(std::min(size, wire.size())))
    ASSERT_TRUE(peer.send(wire.substr(0, size)));
}

Message read_request(RawClient& peer) {
  const std::string head = peer.take_through(kBlankLine);
  const std::string name = "\r\ncontent-length: ";
  const auto at = head.find(name);
  if (at == std::string::npos) return split(head, "");
  return split(head, peer.take(std::stoul(head.substr(at + name.size()))));
}

void expect_same(Message received, Message expected, bool in_any_order) {
  // The proxy adds a date to replies that it makes itself; the golden upstream sends none.
  std::erase_if(received.head, [](const std::string& line) { return line.starts_with("date: "); });
  if (in_any_order) {
    std::sort(received.head.begin(), received.head.end());
    std::sort(expected.head.begin(), expected.head.end());
  }
  EXPECT_EQ(received.head, expected.head);
  EXPECT_EQ(received.body, expected.body);
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases))
    if (entry.is_directory()) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

class RecordedClient : public testing::TestWithParam<std::tuple<std::string, unsigned>> {};
INSTANTIATE_TEST_SUITE_P(Golden, RecordedClient,
                         testing::Combine(testing::ValuesIn(case_names()), testing::Values(1U, 2U)),
                         [](const auto& one) {
                           std::string name = std::get<0>(one.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name + "_" + std::to_string(std::get<1>(one.param));
                         });

TEST_P(RecordedClient, passes_through_unchanged) {
  const auto& [name, workers] = GetParam();
  const std::string folder = kCases + name + "/";
  RawUpstream upstream;
  ProxyFixture fixture(Plan{.workers = workers, .upstream = upstream.url()});
  RawClient client(fixture.port());  // one connection, so that one worker serves all requests
  std::unique_ptr<RawClient> peer;

  const auto request =
      read_message(folder + "request.http", "localhost:" + std::to_string(fixture.port()), "");
  ASSERT_TRUE(request) << folder;
  const auto forwarded = read_message(
      folder + "upstream.http", "127.0.0.1:" + std::to_string(upstream.port()), request->body);
  const auto response = read_message(folder + "answer.http", "", "");
  const auto reply = read_message(folder + "reply.http", "", response ? response->body : "");
  ASSERT_TRUE(reply);
  const bool to_head = request->head.front().starts_with("HEAD ");

  for (const std::size_t size : {1U, 2U, 3U, 5U, 7U, 16U, 64U, 1U << 20U}) {
    send_in_fragments(client, wire_text(*request), size);
    if (forwarded) {
      if (!peer) peer = upstream.accept();
      ASSERT_TRUE(peer);
      expect_same(read_request(*peer), *forwarded, true);
      send_in_fragments(*peer, wire_text(*response), size);
    }
    const Reply received = client.read_reply(to_head);
    EXPECT_TRUE(received.complete);
    const std::string_view raw = received.raw;
    Message reply_message = split(raw.substr(0, raw.find(kBlankLine) + 4), received.body);
    if (to_head)
      std::erase(reply_message.head, "content-length: " + received.field("content-length"));
    Message expected = *reply;
    if (to_head) std::erase(expected.head, "content-length: 0");
    expect_same(reply_message, expected, false);
    if (HasFailure()) FAIL() << "with fragments of " << size << " bytes";
  }
  EXPECT_EQ(upstream.accept(std::chrono::milliseconds(0)), nullptr)
      << "something else went upstream";
  for (Document& receipt : fixture.receipts(8)) EXPECT_EQ(receipt["ended"], "complete");
}

TEST(RecordedClients, are_many) { EXPECT_GE(case_names().size(), 20U); }

}  // namespace
}  // namespace ccproxy::test
