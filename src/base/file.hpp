// Whole files: read, and replaced so that a crash or a full disk leaves the old one or the new
// one, never half of either. It refuses to know what is in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccproxy {

// The bytes of a file. Fails with kNotFound when there is none, kTooLarge above `limit` bytes,
// kIo otherwise. The message names the path: it is for the person at this machine, not a client.
[[nodiscard]] Result<std::string> read_file(const std::string& path,
                                            std::size_t limit = std::size_t{16} << 20);

// Writes a temporary file beside `path` with mode 0600, syncs it, renames it over `path` and syncs
// the folder. A folder that is missing is made with mode 0700. On failure the old file is intact.
// The temporary file has one name, so that those of writers that were killed do not pile up:
// whoever may have company holds a lock.
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view bytes);

// The same in two steps, for what must not be lost once it is there: first everything that can
// fail for want of room or permission, then the bytes.
class Replacement {
 public:
  // Makes the temporary file beside `path` and fills it with `reserve` bytes. Fails with kIo. Under
  // the lock that commit() is called under, which may be released in between.
  [[nodiscard]] static Result<Replacement> prepare(const std::string& path, std::size_t reserve);

  // Writes, syncs and renames. After a failure the old file is intact and this may be tried again.
  [[nodiscard]] Result<void> commit(std::string_view bytes);

  Replacement(Replacement&& other) noexcept;
  Replacement& operator=(Replacement&& other) noexcept;
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement();  // removes what was not committed

 private:
  Replacement(std::string path, std::string temporary, int fd);

  std::string path_, temporary_;
  int fd_;
};

// What writers of `path`, or of a copy of it, that were killed left beside it, and beside what it
// leads to when it is a link: temporary files of today's name or of the random ones that earlier
// versions took. For who holds the lock: a writer's own is among them.
[[nodiscard]] std::vector<std::string> left_overs_of(const std::string& path);

// What changes when a file does. Follows links.
struct FileStamp {
  bool exists = false;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
  std::int64_t changed = 0;   // nanoseconds; also moved by a new mode or owner
  bool operator==(const FileStamp&) const = default;
};
[[nodiscard]] FileStamp stamp_of(const std::string& path);

// Makes the folder that `path` stands in, mode 0700, when it is missing.
[[nodiscard]] Result<void> make_private_folder_of(const std::string& path);

// Copies the file to a name beside it that is free: `path`.bak, `path`.bak.2 and so on, mode 0600;
// an earlier copy is never written over. That name. The caller sees to it that nobody else does the
// same at the same time. Fails with kIo after a thousand copies.
[[nodiscard]] Result<std::string> keep_copy(const std::string& path);

// The copies that stand beside `path`.
[[nodiscard]] std::vector<std::string> copies_of(const std::string& path);

// The file that `path` leads to when it is a link, as people keep for their dotfiles; else `path`.
[[nodiscard]] std::string link_target(const std::string& path);

}  // namespace ccproxy
