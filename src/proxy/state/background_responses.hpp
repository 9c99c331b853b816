// The responses that one worker runs without a client. The worker ends them when it has to, and
// does not end before them. This room refuses to know how a response is run.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <utility>

namespace ccproxy::proxy {

// One response that runs without a client.
class BackgroundRun {
 public:
  BackgroundRun() = default;
  BackgroundRun(const BackgroundRun&) = delete;
  BackgroundRun& operator=(const BackgroundRun&) = delete;
  virtual ~BackgroundRun() = default;

  // Ends it, since the server ends.
  virtual void cut() = 0;
};

// Used by its worker's thread alone.
class BackgroundResponses {
 public:
  // Keeps `response` alive until remove().
  void add(std::shared_ptr<BackgroundRun> response) { all_.push_back(std::move(response)); }
  void remove(const BackgroundRun* response);
  // Calls cut() of each; they remove themselves when they have ended.
  void cut();
  [[nodiscard]] bool empty() const { return all_.empty(); }
  // `call` is called whenever the last one was removed.
  void on_empty(std::function<void()> call) { on_empty_ = std::move(call); }

 private:
  std::list<std::shared_ptr<BackgroundRun>> all_;
  std::function<void()> on_empty_;
};

}  // namespace ccproxy::proxy
