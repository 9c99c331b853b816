#include "net/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <map>
#include <utility>

#include "net/asio.hpp"

namespace ccproxy::net {

namespace asio = boost::asio;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr seconds kMaxAge{60};
constexpr minutes kMaxStaleAge{10};
constexpr std::size_t kMaxNames = 64;  // far more than one upstream needs

using TcpResolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

struct Entry {
  std::vector<Address> addresses;
  Clock::time_point resolved_at;
};

}  // namespace

struct Resolver::State {
  explicit State(Runtime& runtime) : resolver(runtime.context()) {}
  TcpResolver resolver;
  std::map<std::string, Entry> cache;
};

Resolver::Resolver(Runtime& runtime) : state_(std::make_shared<State>(runtime)) {}
Resolver::~Resolver() = default;

std::vector<Address> numeric_address(const std::string& host) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) return {};
  return {Address{address.to_string(), address.is_v6()}};
}

std::vector<Address> interleave(const std::vector<Address>& addresses) {
  std::vector<Address> first, second, mixed;
  for (const auto& address : addresses)
    (address.is_v6 == addresses.front().is_v6 ? first : second).push_back(address);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

Task<Result<std::vector<Address>>> Resolver::resolve(std::string host) {
  return resolve_in(state_, std::move(host));
}

Task<Result<std::vector<Address>>> Resolver::resolve_in(std::shared_ptr<State> state,
                                                        std::string host) {
  if (auto numeric = numeric_address(host); !numeric.empty()) co_return numeric;

  const auto cached = state->cache.find(host);
  if (cached != state->cache.end() && Clock::now() - cached->second.resolved_at < kMaxAge)
    co_return cached->second.addresses;

  auto [error, results] = co_await state->resolver.async_resolve(
      host, "", asio::ip::tcp::resolver::flags(), kUseResult);
  if (error) {
    const auto stale = state->cache.find(host);
    if (stale != state->cache.end() && Clock::now() - stale->second.resolved_at < kMaxStaleAge)
      co_return stale->second.addresses;
    co_return fail(ErrorKind::kUpstreamUnreachable,
                   fmt::format("cannot find the address of {}: {}", host, error.message()));
  }

  std::vector<Address> addresses;
  for (const auto& result : results) {
    const auto address = result.endpoint().address();
    addresses.push_back(Address{address.to_string(), address.is_v6()});
  }
  addresses = interleave(addresses);
  if (state->cache.size() >= kMaxNames) state->cache.clear();
  state->cache[host] = Entry{addresses, Clock::now()};
  co_return addresses;
}

}  // namespace ccproxy::net
