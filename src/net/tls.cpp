#include "net/tls.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "base/buffer.hpp"
#include "net/resolve.hpp"
#include "net/tls_certificate.hpp"

namespace ccproxy::net {
namespace {

constexpr std::size_t kSmallRead = 4 * 1024;
constexpr std::size_t kLargeRead = 32 * 1024;
constexpr std::size_t kMaxEncrypted = 64 * 1024;  // bytes encrypted before they are sent

using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using SslPtr = std::unique_ptr<SSL, decltype(&SSL_free)>;
using SessionPtr = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

// The latest session of each host, for the next handshake.
using Sessions = std::map<std::string, SessionPtr>;

std::string last_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown reason" : reason;
}

class TlsStream final : public Stream {
 public:
  TlsStream(Runtime& runtime, std::unique_ptr<Stream> below, SslPtr ssl)
      : below_(std::move(below)), flushed_(runtime), ssl_(std::move(ssl)) {
    BIO* bio = BIO_new(bio_method());
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);  // ssl_ owns `bio` from here on
  }
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  TlsStream(TlsStream&&) = delete;
  TlsStream& operator=(TlsStream&&) = delete;
  ~TlsStream() override {
    // OpenSSL does not resume the session of a connection that was dropped without a shutdown.
    if (SSL_is_init_finished(ssl_.get()) == 1 && !failed_)
      SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }

  Task<Result<void>> handshake() {
    while (true) {
      ERR_clear_error();
      const int done = SSL_do_handshake(ssl_.get());
      const int why = SSL_get_error(ssl_.get(), done);
      std::optional<Error> refused;
      // The error is read before anything waits: OpenSSL's error queue belongs to the thread, not
      // to the connection.
      if (done != 1 && why != SSL_ERROR_WANT_READ) refused = handshake_failure();
      auto flushed = co_await flush();  // sends the alert, too
      if (refused) co_return fail(std::move(*refused));
      if (done == 1 || !flushed) co_return flushed;
      auto filled = co_await fill();
      if (!filled) co_return fail(filled.error());
      if (*filled == 0)
        co_return fail(ErrorKind::kUpstreamUnreachable, "the peer closed during the TLS handshake");
    }
  }

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    while (true) {
      ERR_clear_error();
      const int got = SSL_read(ssl_.get(), into.data(), static_cast<int>(into.size()));
      if (got > 0) co_return static_cast<std::size_t>(got);
      const int why = SSL_get_error(ssl_.get(), got);
      if (why == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
      if (why != SSL_ERROR_WANT_READ) co_return failure();
      // A key update needs a response. A writer that is flushing sends it as well: a reader that
      // waited for the writer would wait until the peer reads.
      if (!outgoing_.empty() && !flushing_) {
        auto flushed = co_await flush();
        if (!flushed) co_return fail(flushed.error());
      }
      auto filled = co_await fill();
      if (!filled) co_return fail(filled.error());
      // An end without close_notify means that the stream was truncated (RFC 8446, 6.1).
      if (*filled == 0)
        co_return fail(ErrorKind::kClosed, "the peer closed without ending TLS in order");
    }
  }

  Task<Result<void>> write(std::string_view first, std::string_view second,
                           std::string_view third) override {
    for (const std::string_view piece : {first, second, third}) {
      std::string_view rest = piece;
      while (!rest.empty()) {
        // A few records are encrypted and sent at a time, so that a large body takes its memory
        // once.
        const int size = static_cast<int>(std::min(rest.size(), kMaxEncrypted));
        ERR_clear_error();
        const int encrypted = SSL_write(ssl_.get(), rest.data(), size);
        if (encrypted <= 0) co_return failure();
        rest.remove_prefix(static_cast<std::size_t>(encrypted));
        if (outgoing_.size() >= kMaxEncrypted) {
          auto flushed = co_await flush();
          if (!flushed) co_return flushed;
        }
      }
    }
    co_return co_await flush();
  }

  void expires_after(Clock::duration duration) override { below_->expires_after(duration); }
  void never_expires() override { below_->never_expires(); }

  bool is_idle() override {
    return SSL_has_pending(ssl_.get()) == 0 && incoming_.empty() && below_->is_idle();
  }

  bool peer_has_closed() override { return below_->peer_has_closed(); }

  void end_writing() override {
    send_close_notify();
    below_->end_writing();
  }

  void try_write(std::string_view bytes) override {
    ERR_clear_error();
    if (flushing_ || SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0)
      return;
    below_->try_write(outgoing_.view());
    outgoing_.release();
  }

  void close() override {
    send_close_notify();
    below_->close();
  }

  void reset() override { below_->reset(); }

 private:
  // OpenSSL reads ciphertext from incoming_ and writes it to outgoing_. Its own memory BIOs never
  // shrink.
  static const BIO_METHOD* bio_method() {
    static const BIO_METHOD* const kMethod = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ccproxy");
      BIO_meth_set_read(method, [](BIO* bio, char* into, int size) {
        return static_cast<TlsStream*>(BIO_get_data(bio))->take_incoming(bio, into, size);
      });
      BIO_meth_set_write(method, [](BIO* bio, const char* bytes, int size) {
        static_cast<TlsStream*>(BIO_get_data(bio))
            ->outgoing_.append({bytes, static_cast<std::size_t>(size)});
        return size;
      });
      BIO_meth_set_ctrl(method, [](BIO*, int command, long, void*) {
        return command == BIO_CTRL_FLUSH ? 1L : 0L;
      });
      return method;
    }();
    return kMethod;
  }

  int take_incoming(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    const std::size_t count = std::min(static_cast<std::size_t>(size), incoming_.size());
    if (count == 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    std::memcpy(into, incoming_.view().data(), count);
    incoming_.consume(count);
    return static_cast<int>(count);
  }

  // Reads ciphertext from the peer into incoming_, which OpenSSL has emptied. Returns 0 at the end
  // of the stream below.
  Task<Result<std::size_t>> fill() {
    if (incoming_.capacity() > read_size_) incoming_.release();  // large only while much arrives
    const auto room = incoming_.prepare(read_size_).first(read_size_);
    auto got = co_await below_->read_some(room);
    if (!got) co_return got;
    incoming_.commit(*got);
    read_size_ = *got == read_size_ ? kLargeRead : kSmallRead;
    co_return got;
  }

  // Sends the ciphertext in outgoing_. When a reader and a writer call this at the same time, the
  // second one waits: the bytes leave in the order in which they were encrypted.
  Task<Result<void>> flush() {
    while (flushing_) co_await flushed_.wait();
    flushing_ = true;
    Result<void> written;
    while (written && !outgoing_.empty()) {
      Buffer records;
      records.swap(outgoing_);
      const std::string_view bytes = records.view();
      written = co_await below_->write(bytes);
    }
    flushing_ = false;
    flushed_.notify();
    co_return written;
  }

  // Sends close_notify once, unless a record is being sent.
  void send_close_notify() {
    if (sent_close_notify_ || failed_ || flushing_ || SSL_is_init_finished(ssl_.get()) != 1) return;
    sent_close_notify_ = true;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    below_->try_write(outgoing_.view());
    outgoing_.release();
  }

  Error handshake_failure() {
    failed_ = true;
    const long verdict = SSL_get_verify_result(ssl_.get());
    const std::string reason = last_openssl_error();
    if (verdict != X509_V_OK)
      return {ErrorKind::kUpstreamUnreachable,
              fmt::format("the upstream's certificate is not trusted: {}",
                          X509_verify_cert_error_string(verdict)),
              "", "upstream_untrusted"};
    return {ErrorKind::kUpstreamUnreachable, "the TLS handshake failed: " + reason};
  }

  tl::unexpected<Error> failure() {
    failed_ = true;
    return fail(ErrorKind::kClosed, "TLS failed: " + last_openssl_error());
  }

  std::unique_ptr<Stream> below_;
  Buffer incoming_;  // ciphertext to OpenSSL
  Buffer outgoing_;  // ciphertext from OpenSSL
  std::size_t read_size_ = kSmallRead;
  Event flushed_;
  bool flushing_ = false;
  bool sent_close_notify_ = false;
  bool failed_ = false;  // after a fatal error OpenSSL must not be called again
  SslPtr ssl_;
};

tl::unexpected<Error> unusable(std::string_view what) {
  return fail(ErrorKind::kConfiguration, fmt::format("{}: {}", what, last_openssl_error()));
}

class Context final : public TlsContext {
 public:
  explicit Context(ContextPtr context, bool is_client)
      : context_(std::move(context)), is_client_(is_client) {
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context_.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    if (!is_client_) return;
    SSL_CTX_set_app_data(context_.get(), this);
    SSL_CTX_set_session_cache_mode(context_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_.get(), &Context::remember);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  }

  std::size_t resumed_handshakes() const override {
    return static_cast<std::size_t>(SSL_CTX_sess_hits(context_.get()));
  }

  Task<Result<std::unique_ptr<Stream>>> wrap(Runtime& runtime, std::unique_ptr<Stream> stream,
                                             std::string host, Clock::duration limit) override {
    stream->expires_after(limit);
    SslPtr ssl(SSL_new(context_.get()), &SSL_free);
    if (!is_client_) {
      SSL_set_accept_state(ssl.get());
    } else if (!prepare_client(ssl.get(), host)) {
      co_return fail(ErrorKind::kInternal, "cannot prepare a TLS connection to " + host);
    }
    auto secured = std::make_unique<TlsStream>(runtime, std::move(stream), std::move(ssl));
    auto done = co_await secured->handshake();
    if (!done && done.error().kind == ErrorKind::kTimedOut)
      co_return fail(ErrorKind::kTimedOut,
                     "no TLS handshake within the time allowed (timeouts.tlsSeconds)");
    if (!done && done.error().kind == ErrorKind::kClosed)
      co_return fail(ErrorKind::kUpstreamUnreachable,
                     "the TLS handshake was cut off: " + done.error().message);
    if (!done) co_return fail(done.error());
    secured->never_expires();
    co_return secured;
  }

 private:
  // Returns false when OpenSSL did not accept the name to check: then any certificate would pass.
  bool prepare_client(SSL* ssl, const std::string& host) {
    if (host.empty()) return false;
    SSL_set_connect_state(ssl);
    if (numeric_address(host).empty()) {
      std::string name = host;
      // The subject's common name does not name a server (RFC 9525, 2).
      SSL_set_hostflags(ssl,
                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
      if (SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) !=
              1 ||
          SSL_set1_host(ssl, name.c_str()) != 1)
        return false;
    } else if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) != 1) {
      return false;
    }
    const auto known = sessions_.try_emplace(host, nullptr, &SSL_SESSION_free).first;
    SSL_set_app_data(ssl, &*known);  // entries of a std::map do not move
    if (known->second) SSL_set_session(ssl, known->second.get());
    return true;
  }

  // OpenSSL calls this with each new session, with TLS 1.3 when the ticket arrives after the
  // handshake. The return value 1 means that this class owns the session from now on.
  static int remember(SSL* ssl, SSL_SESSION* session) {
    auto* known = static_cast<Sessions::value_type*>(SSL_get_app_data(ssl));
    known->second.reset(session);
    return 1;
  }

  ContextPtr context_;
  bool is_client_;
  Sessions sessions_;
};

constexpr unsigned char kAlpn[] = "\x08http/1.1";

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::client(const std::string& ca_file) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (!context) return unusable("TLS is not available");
  if (SSL_CTX_set_default_verify_paths(context.get()) != 1)
    return unusable("cannot read the system's certificates");
  if (!ca_file.empty() &&
      SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr) != 1)
    return unusable(fmt::format("cannot read certificates from upstream.caFile ({})", ca_file));
  SSL_CTX_set_alpn_protos(context.get(), kAlpn, sizeof kAlpn - 1);
  return std::make_unique<Context>(std::move(context), true);
}

Result<std::unique_ptr<TlsContext>> TlsContext::throwaway_server(std::string& certificate_pem,
                                                                 const CertificateNames& names) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (!context) return unusable("TLS is not available");
  if (!use_throwaway_certificate(context.get(), names, certificate_pem))
    return unusable("cannot make a certificate");
  return std::make_unique<Context>(std::move(context), false);
}

}  // namespace ccproxy::net
