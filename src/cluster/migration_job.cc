#include "cluster/migration_job.h"

namespace vigil::cluster {

std::string_view stateName(const MigrationJob& job) {
  switch (job.stage) {
    case MigrationJob::Stage::kConnecting:
      return "connecting";
    case MigrationJob::Stage::kCopying:
      return "snapshotting";
    case MigrationJob::Stage::kCatchingUp:
      return "streaming";
    case MigrationJob::Stage::kHolding:
      return "pausing";
    case MigrationJob::Stage::kHandedOff:
      return "paused";
    case MigrationJob::Stage::kReceiving:
      return "receiving";
    case MigrationJob::Stage::kPreparing:
      return "preparing";
    case MigrationJob::Stage::kCommitting:
      return "committing";
    case MigrationJob::Stage::kClaiming:
      return "claiming";
    case MigrationJob::Stage::kSucceeded:
      return "success";
    case MigrationJob::Stage::kFailed:
      return "failed";
    case MigrationJob::Stage::kCancelled:
      return "canceled";
  }
  return "";
}

std::string rangesText(const SlotSet& slots) {
  std::string text;
  for (const SlotRange& range : slots.ranges()) {
    if (!text.empty()) text += ' ';
    text += std::to_string(range.first) + "-" + std::to_string(range.last);
  }
  return text;
}

std::string_view recordName(MigrationRecord::Kind kind) {
  switch (kind) {
    case MigrationRecord::Kind::kStage:
      return "STAGE";
    case MigrationRecord::Kind::kCommit:
      return "COMMIT";
    case MigrationRecord::Kind::kDiscard:
      return "DISCARD";
    case MigrationRecord::Kind::kHandOff:
      return "HANDOFF";
    case MigrationRecord::Kind::kEnd:
      return "ENDHANDOFF";
  }
  return "";
}

}  // namespace vigil::cluster
