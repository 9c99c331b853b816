// TLS over a stream: as a client with certificate and host name checks and session reuse, and as a
// server with a throw-away certificate for tests. OpenSSL driven directly over memory, so that an
// idle connection gives its buffers back. It refuses to know sockets.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::net {

// What a certificate says of whose it is, as OpenSSL's configuration writes the second.
struct CertificateNames {
  std::string common = "ccproxy mock";
  std::string alternative = "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1";
};

class TlsContext {
 public:
  // Trusts the system's certificates (SSL_CERT_FILE and SSL_CERT_DIR move them) and those in
  // `ca_file` (PEM), when it names one. Fails with kConfiguration.
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> client(const std::string& ca_file);

  // Of these names, with a key made now; `certificate_pem` is what a client must trust.
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> throwaway_server(
      std::string& certificate_pem, const CertificateNames& names = {});

  virtual ~TlsContext() = default;
  TlsContext() = default;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  TlsContext(TlsContext&&) = delete;
  TlsContext& operator=(TlsContext&&) = delete;

  // Shakes hands over `stream` within `limit`. `host` is checked against the certificate and sent
  // as SNI; a server passes "". Fails with kUpstreamUnreachable (the message says what was wrong
  // with the certificate; then the code is upstream_untrusted) or kTimedOut. The context must
  // outlive the stream.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Stream>>> wrap(Runtime& runtime,
                                                                   std::unique_ptr<Stream> stream,
                                                                   std::string host,
                                                                   Clock::duration limit) = 0;

  // How many handshakes took up an earlier session, and were spared the certificates.
  [[nodiscard]] virtual std::size_t resumed() const = 0;
};

}  // namespace ccproxy::net
