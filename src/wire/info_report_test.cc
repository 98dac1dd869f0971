#include "wire/info_report.h"

#include <gtest/gtest.h>

namespace vigil::wire {
namespace {

TEST(InfoReport, OfAMaster) {
  const InfoReport report = parseInfo(
      "# Server\r\nrun_id:5477e76bbd57183248741564c6b55d7c8da1a30c\r\n\r\n# Replication\r\nrole:master\r\n"
      "connected_slaves:2\r\nslave0:ip=10.0.0.2,port=6379,state=online,offset=910,lag=0\r\n"
      "slave1:ip=::1,port=6380,state=wait_bgsave,offset=0,lag=0\r\nmaster_repl_offset:910\r\n");
  EXPECT_EQ(report.runId, "5477e76bbd57183248741564c6b55d7c8da1a30c");
  EXPECT_EQ(report.isReplica, false);
  ASSERT_EQ(report.replicas.size(), 2u);
  EXPECT_EQ(report.replicas[0].host, "10.0.0.2");
  EXPECT_EQ(report.replicas[1].host, "::1");
  EXPECT_EQ(report.replicas[1].port, 6380);
  EXPECT_EQ(report.masterOffset, 910u);
}

TEST(InfoReport, OfAReplica) {
  const InfoReport report = parseInfo(
      "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\n"
      "master_link_down_since_seconds:12\r\nslave_repl_offset:77\r\nslave_priority:25\r\nreplica_announced:0\r\n"
      "master_refused:empty\r\n");
  EXPECT_EQ(report.isReplica, true);
  EXPECT_EQ(report.masterHost, "10.0.0.1");
  EXPECT_EQ(report.masterPort, 6379);
  EXPECT_EQ(report.masterLinkUp, false);
  EXPECT_EQ(report.masterLinkDownSeconds, 12);
  EXPECT_EQ(report.offset, 77u);
  EXPECT_EQ(report.priority, 25);
  EXPECT_EQ(report.announced, false);
  EXPECT_TRUE(report.masterRefusedEmpty);
}

TEST(InfoReport, PassesOverNonsense) {
  const InfoReport report = parseInfo("role:king\nmaster_port:-1\nslave0:ip=,port=1\nslave1:port=5\nslave_expires:1\nx\n:\n");
  EXPECT_FALSE(report.isReplica);
  EXPECT_FALSE(report.masterPort);
  EXPECT_TRUE(report.replicas.empty());
}

}  // namespace
}  // namespace vigil::wire
