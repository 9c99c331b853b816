// Who gets a translated answer: the client that asked, or nobody while the answer is only kept.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "http/server_connection.hpp"

namespace ccproxy::proxy {

class ReplySink {
 public:
  ReplySink() = default;
  ReplySink(const ReplySink&) = delete;
  ReplySink& operator=(const ReplySink&) = delete;
  virtual ~ReplySink() = default;

  // A reply in one piece, or begun, written and ended; all as http::ServerConnection does it.
  [[nodiscard]] virtual Task<Result<void>> answer(int status, std::string_view fields,
                                                  std::string_view body) = 0;
  virtual void begin(int status, std::string_view fields) = 0;
  [[nodiscard]] virtual Task<Result<void>> write(std::string_view piece) = 0;
  [[nodiscard]] virtual Task<Result<void>> end(std::string_view last) = 0;

  // Its connection ends at once.
  virtual void close() = 0;
};

// `client` must outlive it.
class ClientSink final : public ReplySink {
 public:
  explicit ClientSink(http::ServerConnection& client) : client_(client) {}

  [[nodiscard]] Task<Result<void>> answer(int status, std::string_view fields,
                                          std::string_view body) override {
    return client_.answer(status, fields, body);
  }
  void begin(int status, std::string_view fields) override {
    client_.begin_reply(status, fields, std::nullopt);
  }
  [[nodiscard]] Task<Result<void>> write(std::string_view piece) override {
    return client_.write(piece);
  }
  [[nodiscard]] Task<Result<void>> end(std::string_view last) override {
    return client_.end_reply(last);
  }
  void close() override { client_.close(); }

 private:
  http::ServerConnection& client_;
};

// Listens to nothing and never leaves.
class NullSink final : public ReplySink {
 public:
  [[nodiscard]] Task<Result<void>> answer(int status, std::string_view fields,
                                          std::string_view body) override;
  void begin(int, std::string_view) override {}
  [[nodiscard]] Task<Result<void>> write(std::string_view piece) override;
  [[nodiscard]] Task<Result<void>> end(std::string_view last) override;
  void close() override {}
};

}  // namespace ccproxy::proxy
