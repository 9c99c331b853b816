// TLS over a stream: as a client with checks of certificate and host name and with session reuse,
// and as a server with a throwaway certificate for tests. OpenSSL works on memory, so that idle
// connections free their buffers. It refuses to know sockets.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "net/runtime.hpp"
#include "net/stream.hpp"

namespace ccproxy::net {

// The names in a certificate: the subject's common name, and the alternative names in the syntax of
// OpenSSL's configuration.
struct CertificateNames {
  std::string common = "ccproxy mock";
  std::string alternative = "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1";
};

class TlsContext {
 public:
  // Trusts the system's certificates (SSL_CERT_FILE and SSL_CERT_DIR override their place) and
  // those in `ca_file` (PEM), unless that is "". Fails with kConfiguration.
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> client(const std::string& ca_file);

  // Creates a key and a self-signed certificate with these names. `certificate_pem` is set to the
  // certificate, which clients must trust. Fails with kConfiguration.
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> throwaway_server(
      std::string& certificate_pem, const CertificateNames& names = {});

  virtual ~TlsContext() = default;
  TlsContext() = default;
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  TlsContext(TlsContext&&) = delete;
  TlsContext& operator=(TlsContext&&) = delete;

  // Performs the handshake over `stream` within `limit`. `host` is checked against the certificate
  // and sent as SNI; a server passes "". Fails with kTimedOut or kUpstreamUnreachable; the code is
  // upstream_untrusted when the certificate is not trusted. The context must outlive the stream.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<Stream>>> wrap(Runtime& runtime,
                                                                   std::unique_ptr<Stream> stream,
                                                                   std::string host,
                                                                   Clock::duration limit) = 0;

  // How many handshakes have resumed an earlier session.
  [[nodiscard]] virtual std::size_t resumed_handshakes() const = 0;
};

}  // namespace ccproxy::net
