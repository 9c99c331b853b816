// Turns argv into a command and returns its exit code. Each command is a file in cli/.
#include <cstdio>
#include <exception>
#include <variant>

#include "base/memory.hpp"
#include "cli/commands.hpp"
#include "cli/flags.hpp"

namespace {

using namespace ccproxy;

int leave(const cli::EarlyExit& leave) {
  std::fputs(leave.text.c_str(), leave.code == cli::kOk ? stdout : stderr);
  return leave.code;
}

struct Run {
  int operator()(const cli::EarlyExit& flags) const { return leave(flags); }
  int operator()(const cli::StartFlags& flags) const { return cli::start(flags); }
  int operator()(const cli::LoginFlags& flags) const { return cli::login(flags); }
  int operator()(const cli::LogoutFlags& flags) const { return cli::logout(flags); }
  int operator()(const cli::StatusFlags& flags) const { return cli::status(flags); }
  int operator()(const cli::MockFlags& flags) const { return cli::mock(flags); }
  int operator()(const cli::ConfigFlags& flags) const { return cli::config(flags); }
  int operator()(const cli::KeyFlags& flags) const { return cli::key(flags); }
};

}  // namespace

int main(int argc, char** argv) {
  ccproxy::forbid_core_dumps();
  try {
    return std::visit(Run(), cli::parse_flags(argc, argv));
  } catch (const std::exception& bug) {  // failures travel as Result, so this is a bug
    std::fprintf(stderr, "ccproxy: unexpected failure: %s\n", bug.what());
    return cli::kFailure;
  }
}
