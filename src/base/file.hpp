// Reads and replaces whole files. After a crash or on a full disk a replaced file is the old one or
// the new one, never half of either. It refuses to know what is in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ccproxy {

// Returns the bytes of a file. Fails with kNotFound when it does not exist, kTooLarge above `limit`
// bytes, else kIo. The message names the path: it is for the user of this machine, not for a
// client.
[[nodiscard]] Result<std::string> read_file(const std::string& path,
                                            std::size_t limit = std::size_t{16} << 20);

// Writes a temporary file beside `path` with mode 0600, syncs it, renames it over `path` and syncs
// the folder. A missing folder is created with mode 0700. On failure the old file is intact.
// The temporary file always has the same name, so that killed writers do not leave more than one:
// writers that may run at the same time must hold a lock.
[[nodiscard]] Result<void> replace_file(const std::string& path, std::string_view bytes);

// The same in two steps, for bytes that must not be lost once they exist: prepare() does everything
// that can fail for want of space or permission, commit() writes the bytes.
class Replacement {
 public:
  // Creates the temporary file beside `path` and fills it with `reserve` bytes. Fails with kIo.
  // Call it under the lock under which commit() is called; the lock may be released in between.
  [[nodiscard]] static Result<Replacement> prepare(const std::string& path, std::size_t reserve);

  // Writes, syncs and renames. After a failure the old file is intact and the call may be repeated.
  [[nodiscard]] Result<void> commit(std::string_view bytes);

  Replacement(Replacement&& other) noexcept;
  Replacement& operator=(Replacement&& other) noexcept;
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;
  ~Replacement();  // removes a temporary file that was not committed

 private:
  Replacement(std::string path, std::string temporary, int fd);

  std::string path_, temporary_;
  int fd_;
};

// The temporary files that killed writers of `path`, or of a backup of it, have left beside it, and
// beside its target when it is a link. They have the name of today, or a random one that earlier
// versions used. Call it under the writers' lock, since the file of a running writer is listed,
// too.
[[nodiscard]] std::vector<std::string> leftover_files_of(const std::string& path);

// The properties that change when a file does. Links are followed.
struct FileStamp {
  bool exists = false;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds
  std::int64_t changed = 0;   // nanoseconds; a new mode or owner changes it, too
  bool operator==(const FileStamp&) const = default;
};
[[nodiscard]] FileStamp stamp_of(const std::string& path);

// Creates the folder of `path`, and the folders above it, with mode 0700 where they are missing.
[[nodiscard]] Result<void> make_private_folder_of(const std::string& path);

// Copies the file to the first free name beside it, with mode 0600, and returns that name:
// `path`.bak, `path`.bak.2 and so on. An earlier backup is never overwritten. Callers must not run
// it for one path at the same time. Fails with kIo after a thousand backups.
[[nodiscard]] Result<std::string> back_up_file(const std::string& path);

// The backups of `path` that exist.
[[nodiscard]] std::vector<std::string> backups_of(const std::string& path);

// The target of `path` when it is a link, as people have for their dotfiles; else `path`.
[[nodiscard]] std::string link_target(const std::string& path);

}  // namespace ccproxy
