#include "net/tls_certificate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>

namespace ccproxy::net {
namespace {

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
constexpr long kHour = 3600, kWeek = 7 * 24 * kHour;

bool add_extension(X509* certificate, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value), &X509_EXTENSION_free);
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

CertificatePtr self_signed(EVP_PKEY* key, const CertificateNames& names) {
  CertificatePtr certificate(X509_new(), &X509_free);
  std::int64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial - 1);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), serial & 0x7fffffff);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kWeek);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(names.common.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), name);
  const bool complete =
      add_extension(certificate.get(), NID_subject_alt_name, names.alternative.c_str()) &&
      add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE") &&
      X509_sign(certificate.get(), key, EVP_sha256()) != 0;
  if (!complete) certificate.reset();
  return certificate;
}

std::string as_pem(X509* certificate) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(memory.get(), certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

}  // namespace

bool use_throwaway_certificate(SSL_CTX* context, const CertificateNames& names, std::string& pem) {
  const KeyPtr key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  if (!key) return false;
  const CertificatePtr certificate = self_signed(key.get(), names);
  if (!certificate) return false;
  pem = as_pem(certificate.get());
  return SSL_CTX_use_certificate(context, certificate.get()) == 1 &&
         SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

}  // namespace ccproxy::net
