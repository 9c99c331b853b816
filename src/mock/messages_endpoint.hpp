// Replies to /v1/messages: chosen from the script or generated, streamed or whole. Replies to a
// body that came before are cached, so that a benchmark measures the proxy and not this program.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/head.hpp"
#include "mock/received_request.hpp"
#include "mock/reply.hpp"
#include "mock/script.hpp"

namespace ccproxy::mock {

// Generates the numbers in ids: 20 digits, each number only once.
class IdNumbers {
 public:
  [[nodiscard]] std::string next();

 private:
  std::uint64_t last_ = 0;
};

class MessagesEndpoint {
 public:
  MessagesEndpoint(Script script, Pace pace) : script_(std::move(script)), pace_(pace) {}

  // Replaces the script and resets the counters of its replies.
  void set_script(Script script);

  // Parses a body, or returns what was parsed of the same body before. Fails as parse_request()
  // does.
  using RequestPointer = std::shared_ptr<const ReceivedRequest>;
  [[nodiscard]] Result<RequestPointer> parse(const std::string& body);

  // Returns the first scripted reply that matches and is not used up, and counts the use; null when
  // there is none. `request` is null when the request is not one for a message.
  [[nodiscard]] const ScriptedReply* pick_reply(const http::RequestHead& head,
                                                const std::string& body,
                                                const ReceivedRequest* request);

  // Returns a reply without faults and without the fields that all replies share. `scripted` is
  // null for the demo's message; `request` may be null when the script does not need it. With
  // `joined`, steps without a pause between them leave in one write.
  [[nodiscard]] Reply reply(const ScriptedReply* scripted, const RequestPointer& request,
                            const std::string& number, bool is_joined);

  // Returns the same reply with one more text delta of `bytes` bytes.
  [[nodiscard]] Reply huge_reply(const ScriptedReply* scripted, const RequestPointer& request,
                                 const std::string& number, std::size_t bytes);

  // Returns the message that a request of a batch gets.
  [[nodiscard]] static std::string batch_message(const ReceivedRequest& request,
                                                 const std::string& number);

 private:
  // A cached reply with a placeholder where ids have their number.
  struct ReplyTemplate {
    Reply reply;
    std::vector<std::pair<std::size_t, std::size_t>>
        placeholders;  // step and offset of each placeholder
  };
  struct CacheEntry {
    RequestPointer request;
    std::unordered_map<const ScriptedReply*, std::shared_ptr<const ReplyTemplate>> replies{};
  };

  [[nodiscard]] Reply message_reply(const Message& message, bool stream, const Pace& pace) const;
  [[nodiscard]] Pace pace_for(const ScriptedReply* scripted) const;

  Script script_;
  std::unordered_map<const ScriptedReply*, std::int64_t> uses_;
  Pace pace_;
  std::unordered_map<std::string, CacheEntry> cache_;
  std::unordered_map<const ReceivedRequest*, CacheEntry*> entries_by_request_;
};

}  // namespace ccproxy::mock
