// Where a translated reply goes: to the client, or nowhere while a response in the background is
// only stored.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "http/server_connection.hpp"

namespace ccproxy::proxy {

// A reply is sent whole by reply(), or with begin(), any number of write(), and end(). All fail as
// those of http::ServerConnection do.
class ReplySink {
 public:
  ReplySink() = default;
  ReplySink(const ReplySink&) = delete;
  ReplySink& operator=(const ReplySink&) = delete;
  virtual ~ReplySink() = default;

  [[nodiscard]] virtual Task<Result<void>> reply(int status, std::string_view fields,
                                                 std::string_view body) = 0;
  virtual void begin(int status, std::string_view fields) = 0;
  [[nodiscard]] virtual Task<Result<void>> write(std::string_view piece) = 0;
  [[nodiscard]] virtual Task<Result<void>> end(std::string_view last) = 0;

  // Closes the client's connection at once.
  virtual void close() = 0;
};

// `client` must outlive it.
class ClientSink final : public ReplySink {
 public:
  explicit ClientSink(http::ServerConnection& client) : client_(client) {}

  [[nodiscard]] Task<Result<void>> reply(int status, std::string_view fields,
                                         std::string_view body) override {
    return client_.send_reply(status, fields, body);
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

// Takes everything and sends nothing.
class NullSink final : public ReplySink {
 public:
  [[nodiscard]] Task<Result<void>> reply(int status, std::string_view fields,
                                         std::string_view body) override;
  void begin(int, std::string_view) override {}
  [[nodiscard]] Task<Result<void>> write(std::string_view piece) override;
  [[nodiscard]] Task<Result<void>> end(std::string_view last) override;
  void close() override {}
};

inline Task<Result<void>> NullSink::reply(int, std::string_view, std::string_view) {
  co_return Result<void>{};
}
inline Task<Result<void>> NullSink::write(std::string_view) { co_return Result<void>{}; }
inline Task<Result<void>> NullSink::end(std::string_view) { co_return Result<void>{}; }

}  // namespace ccproxy::proxy
