#include "base/digest.hpp"

#include <openssl/evp.h>

#include <stdexcept>

namespace ccproxy {

std::string sha256(std::string_view bytes) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                 EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not available");
  digest.resize(size);
  return digest;
}

}  // namespace ccproxy
