// Answers to /v1/messages: chosen from the script or made up, streamed or whole. What was asked
// before, byte for byte, is answered from memory, so that a benchmark measures its subject and not
// this program.
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
#include "mock/asked.hpp"
#include "mock/reply.hpp"
#include "mock/script.hpp"

namespace ccproxy::mock {

// Numbers for ids: never the same twice, always 20 digits.
class Numbers {
 public:
  [[nodiscard]] std::string next();

 private:
  std::uint64_t last_ = 0;
};

class Messages {
 public:
  Messages(Script script, Pace pace) : script_(std::move(script)), pace_(pace) {}

  // Replaces the script; its counters start anew.
  void set_script(Script script);

  // The request as it is understood, remembered per body. Fails as read_asked() does.
  using Known = std::shared_ptr<const ReceivedRequest>;
  [[nodiscard]] Result<Known> understand(const std::string& body);

  // The first scripted reply that fits and is not used up, which counts as a use; or null. `asked`
  // is null where the request is not one for a message.
  [[nodiscard]] const ScriptedReply* pick(const http::RequestHead& head, const std::string& body,
                                          const ReceivedRequest* asked);

  // A reply without faults and without the fields that every answer carries. `scripted` is null for
  // the demo's answer, `asked` may be null where the script does not need it. `joined`: in as few
  // writes as its pauses allow.
  [[nodiscard]] Reply reply(const ScriptedReply* scripted, const Known& asked,
                            const std::string& number, bool joined);

  // The same, with one text delta of `bytes` bytes more.
  [[nodiscard]] Reply huge_reply(const ScriptedReply* scripted, const Known& asked,
                                 const std::string& number, std::size_t bytes);

  // The message that a batch's request gets.
  [[nodiscard]] static std::string batch_message(const ReceivedRequest& asked,
                                                 const std::string& number);

 private:
  // A finished reply with a stand-in where ids have their number.
  struct Prepared {
    Reply reply;
    std::vector<std::pair<std::size_t, std::size_t>> numbers;  // step, place in it
  };
  struct Remembered {
    Known asked;
    std::unordered_map<const ScriptedReply*, std::shared_ptr<const Prepared>> replies{};
  };

  [[nodiscard]] Reply message_reply(const Message& answer, bool stream, const Pace& pace) const;
  [[nodiscard]] Pace pace_for(const ScriptedReply* scripted) const;

  Script script_;
  std::unordered_map<const ScriptedReply*, std::int64_t> used_;
  Pace pace_;
  std::unordered_map<std::string, Remembered> remembered_;
  std::unordered_map<const ReceivedRequest*, Remembered*> by_asked_;
};

}  // namespace ccproxy::mock
