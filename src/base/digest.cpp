#include "base/digest.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace ccproxy {

namespace {

// Fetched once, since that takes several times as long as the digest of a short text.
const EVP_MD* algorithm() {
  static EVP_MD* const kFetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kFetched != nullptr ? kFetched : EVP_sha256();
}

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                 algorithm(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  digest.resize(size);
  return digest;
}

}  // namespace ccproxy
