// An archive in a folder of its own, and ways to make its thread do things in the order of a test.
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
  // As another process sees it: only what is committed.
  std::int64_t committed() {
    auto database = Database::open(path_);
    return database->number("SELECT count(*) FROM responses").value_or(-1);
  }
  static std::optional<StoredResponse> find(Archive& archive, const std::string& id) {
    std::optional<StoredResponse> found;
    const auto look = [&](Responses& responses) -> Result<void> {
      found = responses.find("me", id).value();
      return {};
    };
    EXPECT_TRUE(done(archive, look));
    return found;
  }
};

inline Result<void> done_with(Archive& archive, Archive::Work work, std::size_t bytes) {
  std::promise<Result<void>> told;
  archive.submit(
      std::move(work), [&](Result<void> result) { told.set_value(std::move(result)); }, bytes);
  return told.get_future().get();
}

// Keeps the archive's thread in one piece of work, so that what is handed over next comes together.
class Held {
 public:
  explicit Held(Archive& archive) {
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
