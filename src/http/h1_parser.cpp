#include "http/h1_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/none.hpp>
#include <cstring>
#include <limits>
#include <variant>

#include "base/text.hpp"

namespace ccproxy::http {
namespace {

namespace beast = boost::beast;
using beast::error_code;
using BeastError = beast::http::error;

constexpr std::size_t kMaxExtension = 256;    // bytes of a chunk extension, which is ignored
constexpr std::size_t kMaxTrailers = 1024;    // bytes of all trailers together
constexpr std::size_t kMaxIncomplete = 1024;  // bytes of a chunk line or trailer before its end
constexpr std::size_t kDefaultFields = 16;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

// Beast's parser for one message. It stores the head as views, passes the data of chunks on, and
// refuses chunk extensions and trailers that Beast accepts.
template <bool kIsRequest>
class Message final : public beast::http::basic_parser<kIsRequest> {
 public:
  using HeadType = std::conditional_t<kIsRequest, RequestHead, ResponseHead>;

  Message() {
    this->header_limit(std::numeric_limits<std::uint32_t>::max());  // HeadScan enforces the limit
    this->body_limit(boost::none);
    this->eager(true);
  }

  error_code read_head(std::string_view bytes, HeadType& head) {
    head_ = &head;
    error_code error;
    this->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    head_ = nullptr;
    return error;  // need_more is an error as well, since HeadScan has found the end
  }

  // Appends the data of the chunks in `bytes` to `out`. Returns how many bytes were consumed.
  std::size_t read_chunks(std::string_view bytes, Buffer& out, error_code& error) {
    error = {};
    if (bytes.size() < min_bytes_) return 0;
    out_ = &out;
    bytes_ = bytes;
    const std::size_t consumed =
        this->put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
    out_ = nullptr;
    if (error == BeastError::need_more) error = {};
    // Beast asserts that put() gets five bytes once it has seen the line of the last chunk. Waiting
    // for them delays no data: an incomplete line of three bytes has none behind it.
    const std::size_t left = bytes.size() - consumed;
    min_bytes_ = left >= 3 ? kMinEnd : 0;
    return consumed;
  }

 private:
  void on_request_impl(beast::http::verb, beast::string_view method, beast::string_view target,
                       int version, error_code&) override {
    if constexpr (kIsRequest) {
      head_->method = view(method);
      head_->target = view(target);
      head_->version = version;
    }
  }

  void on_response_impl(int code, beast::string_view reason, int version, error_code&) override {
    if constexpr (!kIsRequest) {
      head_->status = code;
      head_->reason = view(reason);
      head_->version = version;
    }
  }

  void on_field_impl(beast::http::field, beast::string_view name, beast::string_view value,
                     error_code& error) override {
    if (head_ != nullptr) {
      // One field more than the rules allow is stored, so that check_request() sees the excess.
      if (head_->fields.size() <= kMaxFields)
        head_->fields.push_back(Field{view(name), view(value)});
      return;
    }
    const std::string_view trailer = view(name);
    trailers_ += name.size() + value.size();
    if (same_text(trailer, "content-length") || same_text(trailer, "transfer-encoding") ||
        same_text(trailer, "host") || trailers_ > kMaxTrailers || is_folded(trailer))
      error = BeastError::bad_field;
  }

  // Beast joins the lines of a folded field, so this looks at the original bytes.
  [[nodiscard]] bool is_folded(std::string_view name) const {
    const auto behind = static_cast<std::size_t>(name.data() + name.size() - bytes_.data());
    const std::string_view rest = bytes_.substr(behind);
    const auto next = rest.find("\r\n") + 2;
    return next < rest.size() && (rest[next] == ' ' || rest[next] == '\t');
  }

  void on_chunk_header_impl(std::uint64_t, beast::string_view extension,
                            error_code& error) override {
    if (extension.size() > kMaxExtension || view(extension).find('"') != std::string_view::npos)
      error = BeastError::bad_chunk_extension;
  }

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body, error_code&) override {
    out_->append(view(body));
    return body.size();
  }

  // Only chunked bodies are read through Beast.
  std::size_t on_body_impl(beast::string_view body, error_code&) override { return body.size(); }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  void on_finish_impl(error_code&) override {}

  static constexpr std::size_t kMinEnd = 5;  // "0\r\n\r\n"

  HeadType* head_ = nullptr;   // while the head is read
  Buffer* out_ = nullptr;      // while chunks are read
  std::string_view bytes_;     // the argument of put(), while chunks are read
  std::size_t min_bytes_ = 0;  // that the next put() needs
  std::size_t trailers_ = 0;   // bytes of all trailers so far
};

Error malformed(bool is_request, std::string_view what) {
  return is_request
             ? Error{ErrorKind::kInvalidRequest, fmt::format("malformed HTTP: {}", what)}
             : Error{ErrorKind::kUpstreamBroke, fmt::format("the upstream broke HTTP: {}", what)};
}

}  // namespace

struct H1Parser::Chunks {
  std::variant<std::monostate, Message<true>, Message<false>> message;
  [[nodiscard]] bool is_request() const { return message.index() == 1; }
};

H1Parser::H1Parser(std::size_t head_limit)
    : head_limit_(head_limit), scan_(head_limit), chunks_(std::make_unique<Chunks>()) {}

H1Parser::~H1Parser() = default;

template <class SomeHead>
Result<bool> H1Parser::take_head(Buffer& input, SomeHead& head) {
  constexpr bool kIsRequest = std::is_same_v<SomeHead, RequestHead>;
  auto found = scan_.find_end(input.view());
  if (!found) {
    if (kIsRequest) {
      refused_path_ = path_in(input.view().substr(0, head_limit_));
      return fail(found.error());
    }
    return fail(ErrorKind::kUpstreamBroke,
                "the upstream broke HTTP: its head is malformed or too large");
  }
  if (!*found) return false;

  // The head owns a copy of its bytes, since its views outlive the input buffer.
  const std::size_t size = **found;
  head.bytes = std::make_unique_for_overwrite<char[]>(size);
  std::memcpy(head.bytes.get(), input.view().data(), size);
  head.fields.reserve(kDefaultFields);
  input.consume(size);
  scan_ = HeadScan(head_limit_);
  auto& message = chunks_->message.template emplace<Message<kIsRequest>>();
  const std::string_view bytes(head.bytes.get(), size);
  if (auto error = message.read_head(bytes, head)) {
    if (kIsRequest) refused_path_ = path_in(bytes);
    return fail(malformed(kIsRequest, error.message()));
  }
  return true;
}

Result<std::optional<RequestHead>> H1Parser::read_request(Buffer& input) {
  // Empty lines before a request are skipped (RFC 9112, 2.2).
  while (input.view().starts_with("\r\n")) input.consume(2);
  if (input.view() == "\r") return std::optional<RequestHead>();
  RequestHead head;
  auto taken = take_head(input, head);
  if (!taken) return fail(taken.error());
  if (!*taken) return std::optional<RequestHead>();
  split_absolute_target(head);
  if (auto begun = begin_body(check_request(head)); !begun) {
    refused_path_ = head.path();
    return fail(begun.error());
  }
  return std::optional<RequestHead>(std::move(head));
}

Result<std::optional<ResponseHead>> H1Parser::read_response(Buffer& input, bool is_head_request) {
  ResponseHead head;
  auto taken = take_head(input, head);
  if (!taken) return fail(taken.error());
  if (!*taken) return std::optional<ResponseHead>();
  if (auto begun = begin_body(check_response(head, is_head_request)); !begun)
    return fail(begun.error());
  return std::optional<ResponseHead>(std::move(head));
}

Result<void> H1Parser::begin_body(const Result<Framing>& framing) {
  if (!framing) return fail(framing.error());
  framing_ = *framing;
  left_ = framing_.length;
  done_ = framing_.kind == BodyKind::kNone;
  return {};
}

Result<void> H1Parser::read_body(Buffer& input, Buffer& out) {
  if (done_ || input.empty()) return {};
  if (framing_.kind == BodyKind::kChunked) return read_chunks(input, out);
  const std::size_t size =
      framing_.kind == BodyKind::kLength
          ? static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()))
          : input.size();
  if (size == input.size() && out.empty()) {
    out.swap(input);
    input.clear();
  } else {
    out.append(input.view().substr(0, size));
    input.consume(size);
  }
  left_ -= framing_.kind == BodyKind::kLength ? size : 0;
  done_ = framing_.kind == BodyKind::kLength && left_ == 0;
  return {};
}

Result<void> H1Parser::read_chunks(Buffer& input, Buffer& out) {
  error_code error;
  const auto feed = [&](auto& message) -> std::size_t {
    if constexpr (std::is_same_v<std::decay_t<decltype(message)>, std::monostate>) {
      return 0;
    } else {
      const std::size_t taken = message.read_chunks(input.view(), out, error);
      done_ = message.is_done();
      return taken;
    }
  };
  input.consume(std::visit(feed, chunks_->message));
  if (error) return fail(malformed(chunks_->is_request(), error.message()));
  if (!done_ && input.size() > kMaxIncomplete)
    return fail(malformed(chunks_->is_request(), "a chunk line or trailer without end"));
  return {};
}

Result<void> H1Parser::end_of_stream() {
  if (done_) return {};
  if (framing_.kind != BodyKind::kUntilClose)
    return fail(ErrorKind::kUpstreamBroke, "the connection ended in the middle of a message");
  done_ = true;
  return {};
}

}  // namespace ccproxy::http
