#include "base/ports/files.h"

namespace vigil {

Result<std::string> readWholeFile(FileSystem& files, const std::string& path) {
  auto file = files.open(path, FileSystem::Open::kRead);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  std::string content(*size, '\0');
  auto got = (*file)->readAt(0, content);
  if (!got) return std::unexpected(got.error());
  content.resize(*got);
  return content;
}

Status replaceFileDurably(FileSystem& files, const std::string& path, std::string_view content) {
  std::string temporary = path + ".tmp";
  auto file = files.open(temporary, FileSystem::Open::kCreateEmpty);
  if (!file) return std::unexpected(file.error());
  if (auto s = (*file)->append(content); !s) return s;
  if (auto s = (*file)->sync(); !s) return s;
  file->reset();
  if (auto s = files.rename(temporary, path); !s) return s;
  auto slash = path.rfind('/');
  return files.syncDir(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

}  // namespace vigil
