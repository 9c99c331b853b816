#include "dialect/data_url.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/encoding.hpp"
#include "base/text.hpp"

namespace ccproxy::dialect {
namespace {

constexpr std::uint8_t kForeign = 255;  // no character of Base64
constexpr std::uint8_t kUsual = 0;
constexpr std::uint8_t kBlank = 1;
constexpr std::uint8_t kUrlSafe = 2;
constexpr std::uint8_t kPadding = 3;

constexpr std::array<std::uint8_t, 256> kinds_of_characters() {
  std::array<std::uint8_t, 256> kinds{};
  for (auto& kind : kinds) kind = kForeign;
  for (int c = 'a'; c <= 'z'; ++c) kinds[static_cast<std::size_t>(c)] = kUsual;
  for (int c = 'A'; c <= 'Z'; ++c) kinds[static_cast<std::size_t>(c)] = kUsual;
  for (int c = '0'; c <= '9'; ++c) kinds[static_cast<std::size_t>(c)] = kUsual;
  kinds['+'] = kinds['/'] = kUsual;
  kinds[' '] = kinds['\t'] = kinds['\n'] = kinds['\r'] = kinds['\f'] = kinds['\v'] = kBlank;
  kinds['-'] = kinds['_'] = kUrlSafe;
  kinds['='] = kPadding;
  return kinds;
}

constexpr auto kKinds = kinds_of_characters();

std::uint8_t kind_of(char c) { return kKinds[static_cast<unsigned char>(c)]; }

// The front that needs no change: all of it, nearly always. Eight characters a step.
std::size_t usual_prefix(std::string_view text) {
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    unsigned all = 0;
    for (std::size_t i = 0; i < 8; ++i) all |= kind_of(text[at + i]);
    if (all != kUsual) break;
  }
  while (at < text.size() && kind_of(text[at]) == kUsual) ++at;
  return at;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTypes = {
    {{"pdf", "application/pdf"},
     {"png", "image/png"},
     {"jpg", "image/jpeg"},
     {"jpeg", "image/jpeg"},
     {"gif", "image/gif"},
     {"webp", "image/webp"},
     {"json", "application/json"}}};

// Endings of files that are read as text.
constexpr std::string_view kTextEndings =
    "txt,md,markdown,rst,csv,tsv,xml,html,htm,css,js,mjs,cjs,jsx,ts,tsx,py,rb,go,rs,java,kt,swift,"
    "c,"
    "h,cc,cpp,cxx,hpp,hh,m,mm,cs,php,pl,lua,r,scala,sql,sh,bash,zsh,fish,ps1,bat,yaml,yml,toml,ini,"
    "cfg,conf,env,log,tex,diff,patch,proto,graphql,vue,svelte,dart,ex,exs,erl,hs,clj,jl,nim,zig,tf,"
    "gradle,cmake,mk,svg,ipynb,jsonl,ndjson,srt,vtt";

}  // namespace

std::optional<InlineData> inline_data(std::string_view text) {
  if (!starts_with_text(text, "data:")) {
    if (text.substr(0, 64).find("://") != std::string_view::npos) return std::nullopt;
    return InlineData{{}, text};
  }
  text.remove_prefix(5);
  const auto comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  std::string_view head = text.substr(0, comma);
  InlineData data{trim(head.substr(0, head.find(';'))), text.substr(comma + 1)};
  bool is_base64 = false;
  while (!head.empty()) is_base64 = same_text(take_item(head, ';'), "base64") || is_base64;
  if (!is_base64) return std::nullopt;
  return data;
}

std::optional<std::string_view> clean_base64(std::string_view text, MadeTexts& made) {
  const std::size_t usual = usual_prefix(text);
  const std::string_view rest = text.substr(usual);
  const bool is_clean = rest.size() <= 2 && text.size() % 4 == 0 &&
                        std::all_of(rest.begin(), rest.end(), [](char c) { return c == '='; });
  if (is_clean) return text.empty() ? std::nullopt : std::optional(text);
  std::string clean(text.substr(0, usual));
  clean.reserve(text.size() + 3);
  bool is_padded = false;
  for (const char c : rest) {
    switch (kind_of(c)) {
      case kBlank: continue;
      case kPadding: is_padded = true; continue;
      case kForeign: return std::nullopt;
      default: break;
    }
    if (is_padded) return std::nullopt;
    clean += c == '-' ? '+' : c == '_' ? '/' : c;
  }
  if (clean.empty() || clean.size() % 4 == 1) return std::nullopt;
  clean.append((4 - clean.size() % 4) % 4, '=');
  return made.keep(std::move(clean));
}

std::string_view sniffed_type(std::string_view base64) {
  constexpr std::size_t kEnough = 24;  // characters: 18 bytes
  const auto decoded = base64_decoded(base64.substr(0, std::min(kEnough, base64.size())));
  const std::string_view bytes = decoded ? std::string_view(*decoded) : std::string_view();
  if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (bytes.starts_with("\x89PNG")) return "image/png";
  if (bytes.starts_with("GIF8")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP")
    return "image/webp";
  return bytes.starts_with("%PDF") ? "application/pdf" : "";
}

std::string_view type_of_name(std::string_view filename) {
  const auto dot = filename.rfind('.');
  if (dot == std::string_view::npos) return "";
  const std::string ending = lowered(filename.substr(dot + 1));
  for (const auto& [known, type] : kTypes)
    if (ending == known) return type;
  return list_names(kTextEndings, ending) ? "text/plain" : "";
}

bool is_image_type(std::string_view media_type) {
  return media_type == "image/jpeg" || media_type == "image/png" || media_type == "image/gif" ||
         media_type == "image/webp";
}

bool is_text_type(std::string_view media_type) {
  constexpr std::string_view kTexts =
      "application/json,application/xml,application/javascript,application/x-javascript,"
      "application/typescript,application/yaml,application/x-yaml,application/toml,application/sql,"
      "application/x-sh,application/x-python,application/x-httpd-php,application/x-ndjson,"
      "application/jsonl,application/csv,application/markdown,application/ld+json,"
      "application/graphql,image/svg+xml";
  return starts_with_text(media_type, "text/") || list_names(kTexts, media_type);
}

}  // namespace ccproxy::dialect
