// A folder of its own for each test of the store, and short words for what is put into it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "store/archive.hpp"
#include "store/database.hpp"
#include "store/responses.hpp"
#include "store/schema.hpp"

namespace ccproxy::store {

class StoreFolder : public testing::Test {
 protected:
  StoreFolder() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    path_ = folder_ + "/home/responses.db";
  }
  ~StoreFolder() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string folder_ = std::filesystem::temp_directory_path() / "ccproxy-store-XXXXXX";
  std::string path_;
};

inline StoredResponse response(std::string id, std::string previous = "") {
  StoredResponse made;
  made.id = std::move(id);
  made.scope = "me";
  made.previous = std::move(previous);
  made.object = R"({"status":"in_progress"})";
  made.family = "sonnet";
  made.account = "a1";
  made.created = 1000;
  return made;
}

// An input item; an output item has blocks.
inline StoredItem item(const std::string& id) { return {id, R"({"id":")" + id + R"("})", ""}; }
inline StoredItem answer(const std::string& id) {
  return {id, R"({"id":")" + id + R"("})", R"({"type":"text","text":")" + id + R"("})"};
}

// Does it through the archive and waits until it is done.
inline Result<void> done(Archive& archive, Archive::Work work) {
  std::promise<Result<void>> told;
  archive.submit(std::move(work), [&](Result<void> result) { told.set_value(std::move(result)); });
  return told.get_future().get();
}

}  // namespace ccproxy::store
