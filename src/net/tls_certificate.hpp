// Creates certificates for the simulated upstream. Only net/tls*.cpp include this.
#pragma once

#include <openssl/types.h>

#include <string>

#include "net/tls.hpp"

namespace ccproxy::net {

// Creates an elliptic-curve key and a self-signed certificate with these names, valid for a week,
// and sets both in `context`. Sets `pem` to the certificate. Returns false when OpenSSL fails.
[[nodiscard]] bool use_throwaway_certificate(SSL_CTX* context, const CertificateNames& names,
                                             std::string& pem);

}  // namespace ccproxy::net
