// The Message Batches API of the simulated API: a batch is in progress when it is made and has
// ended when it is looked at again.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "json/document.hpp"

namespace ccproxy::mock {

class Batches {
 public:
  // Fails with kInvalidRequest in the real API's words.
  [[nodiscard]] Result<json::Document> create(std::string id, std::string_view body);

  // The batch as the API shows it; `base_url` is where its results are to be fetched.
  [[nodiscard]] std::optional<json::Document> show(std::string_view id, std::string_view base_url);
  [[nodiscard]] json::Document list(std::string_view query) const;
  [[nodiscard]] std::optional<json::Document> cancel(std::string_view id);
  bool remove(std::string_view id);

  struct Item {
    std::string custom_id;
    json::Document params;
    bool canceled = false;
  };
  // What was asked, once the batch has ended; null before, and for an unknown id.
  [[nodiscard]] const std::vector<Item>* items(std::string_view id) const;

 private:
  struct Batch {
    json::Document facts;
    std::vector<Item> items;
    bool canceled = false;
    bool ended = false;
  };
  [[nodiscard]] Batch* find(std::string_view id);
  static void end(Batch& batch, std::string_view base_url);

  std::vector<Batch> batches_;  // newest last
};

}  // namespace ccproxy::mock
