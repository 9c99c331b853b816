// A certificate made on the spot, for the simulated upstream. Only net/tls*.cpp include this.
#pragma once

#include <openssl/types.h>

#include <string>

#include "net/tls.hpp"

namespace ccproxy::net {

// Makes an elliptic key and a self-signed certificate of these names, valid for a week, and puts
// both into `context`. `pem` gets the certificate. False when OpenSSL refuses.
[[nodiscard]] bool use_throwaway_certificate(SSL_CTX* context, const CertificateNames& names,
                                             std::string& pem);

}  // namespace ccproxy::net
