#include "proxy/state/background_responses.hpp"

namespace ccproxy::proxy {

void BackgroundResponses::remove(const BackgroundRun* response) {
  std::erase_if(all_, [&](const auto& one) { return one.get() == response; });
  if (all_.empty() && on_empty_) on_empty_();
}

void BackgroundResponses::cut() {
  for (const auto& response : all_) response->cut();
}

}  // namespace ccproxy::proxy
