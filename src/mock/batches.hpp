// The Message Batches API of the simulated API: a new batch is in progress, and has ended when it
// is fetched for the first time.
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
  // Fails with kInvalidRequest and the real API's message.
  [[nodiscard]] Result<json::Document> create(std::string id, std::string_view body);

  // Returns the batch as the API shows it. `base_url` is the beginning of its results_url.
  [[nodiscard]] std::optional<json::Document> show(std::string_view id, std::string_view base_url);
  [[nodiscard]] json::Document list(std::string_view query) const;
  [[nodiscard]] std::optional<json::Document> cancel(std::string_view id);
  bool remove(std::string_view id);

  struct Item {
    std::string custom_id;
    json::Document params;
    bool canceled = false;
  };
  // Returns the requests of a batch that has ended; null for one that has not, and for an unknown
  // id.
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

  std::vector<Batch> batches_;  // oldest first
};

}  // namespace ccproxy::mock
