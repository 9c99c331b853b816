#include "net/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <stdexcept>

#include "base/digest.hpp"
#include "base/encoding.hpp"

namespace ccproxy::net {

std::string random_bytes(std::size_t count) {
  std::string random(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(random.data()), static_cast<int>(count)) != 1)
    throw std::runtime_error("the system's random generator failed");
  return random;
}

std::string random_hex(std::size_t bytes) { return hex(random_bytes(bytes)); }

bool same_secret(std::string_view given, std::string_view secret) {
  const std::string a = sha256(given), b = sha256(secret);
  return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace ccproxy::net
