#include "wire/aof_manifest.h"

#include <utility>

#include "base/text.h"
#include "wire/inline_args.h"

namespace vigil::wire {
namespace {

constexpr size_t kMaxLine = 1024;  // bytes with the line's end
constexpr const char* kInvalidFormat = "Invalid AOF manifest file format";

Result<AofFileInfo> parseLine(std::string_view line) {
  const auto words = splitArguments(line);
  if (line.empty() || !words || words->size() < 6 || words->size() % 2 != 0) return fail(kInvalidFormat);
  AofFileInfo info;
  char type = 0;
  for (size_t i = 0; i < words->size(); i += 2) {
    const std::string& value = (*words)[i + 1];
    if (equalsIgnoreCase((*words)[i], "file")) {
      if (value.find('/') != std::string::npos) return fail("File can't be a path, just a filename");
      info.name = value;
    } else if (equalsIgnoreCase((*words)[i], "seq")) {
      info.sequence = parseInt64(value).value_or(0);
    } else if (equalsIgnoreCase((*words)[i], "type")) {
      type = value.empty() ? '\0' : value[0];
    }
  }
  if (info.name.empty() || info.sequence <= 0 || type == 0) return fail(kInvalidFormat);
  if (type != 'b' && type != 'h' && type != 'i') return fail("Unknown AOF file type");
  info.type = static_cast<AofFileType>(type);
  return info;
}

Status addFile(AofManifest& manifest, AofFileInfo info) {
  switch (info.type) {
    case AofFileType::kBase:
      if (manifest.base) return fail("Found duplicate base file information");
      manifest.base = std::move(info);
      return {};
    case AofFileType::kHistory:
      manifest.history.push_back(std::move(info));
      return {};
    case AofFileType::kIncremental:
      if (info.sequence <= manifest.incrementalSequence()) return fail("Found a non-monotonic sequence number");
      manifest.incremental.push_back(std::move(info));
      return {};
  }
  return {};
}

void appendLine(std::string& out, const AofFileInfo& info) {
  out += "file ";
  if (needsQuotes(info.name)) {
    appendQuoted(out, info.name);
  } else {
    out += info.name;
  }
  out += " seq " + std::to_string(info.sequence) + " type " + static_cast<char>(info.type) + "\n";
}

}  // namespace

Result<AofManifest> parseAofManifest(std::string_view content) {
  if (content.empty()) return fail("Found an empty AOF manifest");
  AofManifest manifest;
  for (size_t number = 1; !content.empty(); number++) {
    const size_t length = content.substr(0, kMaxLine).find('\n');
    if (length == std::string_view::npos) return fail("The AOF manifest file contains too long line");
    const std::string_view raw = content.substr(0, length);
    content.remove_prefix(length + 1);
    if (raw.starts_with('#')) continue;
    const std::string_view line = trimmed(raw);
    auto info = parseLine(line);
    const Status added = info ? addFile(manifest, std::move(*info)) : Status(fail(info.error().message));
    if (!added) {
      return fail("Reading the manifest file, at line " + std::to_string(number) + "\n>>> '" + std::string(line) +
                  "'\n" + added.error().message);
    }
  }
  return manifest;
}

std::string formatAofManifest(const AofManifest& manifest) {
  std::string out;
  if (manifest.base) appendLine(out, *manifest.base);
  for (const AofFileInfo& info : manifest.history) appendLine(out, info);
  for (const AofFileInfo& info : manifest.incremental) appendLine(out, info);
  return out;
}

std::string aofManifestName(std::string_view appendFileName) { return std::string(appendFileName) + ".manifest"; }

std::string aofBaseName(std::string_view appendFileName, int64_t sequence, bool rdb) {
  return std::string(appendFileName) + "." + std::to_string(sequence) + (rdb ? ".base.rdb" : ".base.aof");
}

std::string aofIncrementalName(std::string_view appendFileName, int64_t sequence) {
  return std::string(appendFileName) + "." + std::to_string(sequence) + ".incr.aof";
}

}  // namespace vigil::wire
