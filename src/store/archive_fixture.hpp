// A test with an archive in a folder of its own, and ways to control the archive's thread.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "store/archive.hpp"
#include "store/database.hpp"
#include "store/store_fixture.hpp"

namespace ccproxy::store {

inline Archive::Work begins(const std::string& id) {
  return [id](Responses& responses) { return responses.begin(response(id), {}); };
}

class ArchiveTest : public StoreFolder {
 protected:
  std::unique_ptr<Archive> open() {
    auto archive = Archive::open(path_);
    EXPECT_TRUE(archive) << archive.error().message;
    return archive ? std::move(*archive) : nullptr;
  }
  // Counts the committed responses, as another process sees them.
  std::int64_t committed() {
    auto database = Database::open(path_);
    return database->number("SELECT count(*) FROM responses").value_or(-1);
  }
  static std::optional<StoredResponse> find(Archive& archive, const std::string& id) {
    std::optional<StoredResponse> found;
    const auto query = [&](Responses& responses) -> Result<void> {
      found = responses.find("me", id).value();
      return {};
    };
    EXPECT_TRUE(run_work(archive, query));
    return found;
  }
};

// Blocks the archive's thread in one piece of work, so that work submitted next forms one batch.
class BlockedThread {
 public:
  explicit BlockedThread(Archive& archive) {
    std::promise<void> began;
    archive.read(
        [&began, until = end_.get_future().share()](const Responses&) -> Result<void> {
          began.set_value();
          until.wait();
          return {};
        },
        {});
    began.get_future().wait();
  }
  void release() { end_.set_value(); }

 private:
  std::promise<void> end_{};
};

}  // namespace ccproxy::store
