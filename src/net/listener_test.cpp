#include "net/listener.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "net/test_loop.hpp"

namespace ccproxy::net {
namespace {

using std::chrono::milliseconds;

// A client that connects without the loop, so that it waits in the kernel's queue.
class ClientSocket {
 public:
  ClientSocket() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {}
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;
  ~ClientSocket() { ::close(fd_); }
  [[nodiscard]] bool connect(std::uint16_t port) const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

 private:
  int fd_;
};

TEST(Listener, reports_a_port_that_is_in_use) {
  Runtime runtime;
  auto first = Listener::tcp(runtime, "127.0.0.1", 0, false);
  ASSERT_TRUE(first);
  const std::uint16_t port = (*first)->port();
  const std::string sentence =
      "port " + std::to_string(port) + " on 127.0.0.1 is in use by another program";
  auto second = Listener::tcp(runtime, "127.0.0.1", port, false);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kIo);
  EXPECT_EQ(second.error().message, sentence);
  EXPECT_EQ(Listener::check_free(runtime, "127.0.0.1", port).error().message, sentence);
  (*first)->close();
  EXPECT_TRUE(Listener::check_free(runtime, "127.0.0.1", port));
}

TEST(Listener, shares_a_port_with_other_shared_listeners_only) {
  Runtime runtime;
  auto first = Listener::tcp(runtime, "127.0.0.1", 0, true);
  ASSERT_TRUE(first);
  const std::uint16_t port = (*first)->port();
  EXPECT_TRUE(Listener::tcp(runtime, "127.0.0.1", port, true));
  EXPECT_FALSE(Listener::tcp(runtime, "127.0.0.1", port, false));
  EXPECT_FALSE(Listener::check_free(runtime, "127.0.0.1", port));
}

TEST(Listener, refuses_names_and_addresses_of_other_machines) {
  Runtime runtime;
  for (const char* ip : {"localhost", "", "192.0.2.1"}) {
    auto listener = Listener::tcp(runtime, ip, 0, false);
    ASSERT_FALSE(listener) << ip;
    EXPECT_EQ(listener.error().kind, ErrorKind::kIo);
  }
}

// Counts turns of the loop until `is_over`.
Task<void> count_turns(Runtime& runtime, const bool& is_over, int& turns) {
  while (!is_over) {
    ++turns;
    co_await sleep(runtime, Clock::duration::zero());
  }
}

Task<void> accept_all(Listener& listener, int count, bool& is_over) {
  for (int i = 0; i < count; ++i) {
    auto accepted = co_await listener.accept();
    CO_ASSERT(accepted);
  }
  is_over = true;
}

TEST(Listener, accepts_many_waiting_clients_in_one_turn_of_the_loop) {
  constexpr int kClients = 100;
  Runtime runtime;
  auto listener = Listener::tcp(runtime, "127.0.0.1", 0, false);
  ASSERT_TRUE(listener);
  std::vector<ClientSocket> clients(kClients);
  for (ClientSocket& client : clients) ASSERT_TRUE(client.connect((*listener)->port()));
  bool is_over = false;
  int turns = 0;
  runtime.spawn(accept_all(**listener, kClients, is_over));
  runtime.spawn(count_turns(runtime, is_over, turns));
  runtime.run();
  EXPECT_TRUE(is_over);
  EXPECT_LT(turns, kClients / 4);
}

Task<void> expect_closed(Listener& listener) {
  auto accepted = co_await listener.accept();
  CO_ASSERT(!accepted);
  EXPECT_EQ(accepted.error().kind, ErrorKind::kClosed);
}

Task<void> close_while_accepting(TestLoop& loop) {
  auto listener = Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
  CO_ASSERT(listener);
  Beside waiting(loop.runtime());
  waiting.start(expect_closed(**listener));
  co_await sleep(loop.runtime(), milliseconds(10));
  (*listener)->close();
  co_await waiting.wait();
  co_await expect_closed(**listener);  // an accept that begins later ends as well

  auto other = Listener::tcp(loop.runtime(), "127.0.0.1", 0, false);
  CO_ASSERT(other);
  waiting.start(expect_closed(**other));
  co_await sleep(loop.runtime(), milliseconds(10));
  other->reset();
  co_await waiting.wait();
}

TEST(Listener, ends_its_accept_when_it_is_closed_or_destroyed) {
  TestLoop loop;
  loop.run(close_while_accepting(loop));
}

class UnixListener : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "ccproxy-socket-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/socket";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_, path_;
};

Task<void> talk(TestLoop& loop, Listener& listener, const std::string& path) {
  auto client = co_await dial_unix(loop.runtime(), path);
  auto server = co_await listener.accept();
  CO_ASSERT(client && server);
  (void)co_await (*client)->write("hello");
  const std::string got = co_await read_exactly(**server, 5);
  EXPECT_EQ(got, "hello");
}

TEST_F(UnixListener, creates_its_file_for_the_owner_only_and_removes_it) {
  TestLoop loop;
  auto listener = Listener::unix_socket(loop.runtime(), path_);
  ASSERT_TRUE(listener) << listener.error().message;
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  loop.run(talk(loop, **listener, path_));
  (*listener)->close();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixListener, replaces_a_socket_on_which_nobody_listens) {
  Runtime runtime;
  const std::string hidden = folder_ + "/hidden";
  {
    auto dead = Listener::unix_socket(runtime, path_);
    ASSERT_TRUE(dead);
    std::filesystem::rename(path_, hidden);  // so that the file remains, as after a kill
  }
  std::filesystem::rename(hidden, path_);
  EXPECT_TRUE(Listener::unix_socket(runtime, path_));
}

// Another program that had replaced the socket lost its own when this listener closed.
TEST_F(UnixListener, close_does_not_remove_the_socket_of_another_listener) {
  Runtime runtime;
  auto first = Listener::unix_socket(runtime, path_);
  ASSERT_TRUE(first);
  std::filesystem::remove(path_);
  auto second = Listener::unix_socket(runtime, path_);
  ASSERT_TRUE(second) << second.error().message;
  (*first)->close();
  EXPECT_TRUE(std::filesystem::exists(path_));
  (*second)->close();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(UnixListener, replaces_neither_a_socket_in_use_nor_another_file) {
  Runtime runtime;
  auto living = Listener::unix_socket(runtime, path_);
  ASSERT_TRUE(living);
  auto second = Listener::unix_socket(runtime, path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kIo);
  EXPECT_NE(second.error().message.find(path_), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(path_));

  const std::string file = folder_ + "/file";
  std::ofstream(file) << "precious";
  EXPECT_FALSE(Listener::unix_socket(runtime, file));
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(UnixListener, refuses_a_path_that_is_too_long) {
  Runtime runtime;
  EXPECT_FALSE(Listener::unix_socket(runtime, folder_ + "/" + std::string(200, 'x')));
}

Task<void> dial_nobody(TestLoop& loop, const std::string& path) {
  auto client = co_await dial_unix(loop.runtime(), path);
  CO_ASSERT(!client);
  EXPECT_EQ(client.error().kind, ErrorKind::kUpstreamUnreachable);
}

TEST_F(UnixListener, dialling_a_missing_socket_fails) {
  TestLoop loop;
  loop.run(dial_nobody(loop, path_));
}

}  // namespace
}  // namespace ccproxy::net
