#include "runtime/usable_cores.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace vigil::runtime {
namespace {

class Groups : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "vigil_groups_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    mount_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(mount_); }

  void write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = mount_ + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  std::string mount_;
};

TEST_F(Groups, TheSmallestQuotaOnTheWayUpCountsRoundedUp) {
  EXPECT_EQ(quotaInCores("0::/pods/one\n", mount_), 0u) << "nothing is limited";
  write("/pods/one/cpu.max", "max 100000\n");
  EXPECT_EQ(quotaInCores("0::/pods/one\n", mount_), 0u);
  write("/pods/cpu.max", "350000 100000\n");
  EXPECT_EQ(quotaInCores("0::/pods/one\n", mount_), 4u);
  write("/pods/one/cpu.max", "50000 100000\n");
  EXPECT_EQ(quotaInCores("0::/pods/one\n", mount_), 1u);
  EXPECT_EQ(quotaInCores("0::/elsewhere\n", mount_), 0u);
}

TEST_F(Groups, ThePathMayBeTheHosts) {
  write("/cpu.max", "200000 100000\n");
  EXPECT_EQ(quotaInCores("0::/docker/0123\n", mount_), 2u);
  EXPECT_EQ(quotaInCores("0::/\n", mount_), 2u);
}

TEST_F(Groups, TheOldHierarchyToo) {
  write("/cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
  write("/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  write("/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quotaInCores("5:memory:/job\n4:cpu,cpuacct:/job\n3:cpuset:/job\n", mount_), 3u);
  EXPECT_EQ(quotaInCores("4:cpu,cpuacct:/\n", mount_), 0u);
}

TEST_F(Groups, WhatIsNoMembershipIsPassedOver) {
  EXPECT_EQ(quotaInCores("", mount_), 0u);
  EXPECT_EQ(quotaInCores("nonsense\n4:cpu\n0::\n0::relative\n", mount_), 0u);
}

TEST(UsableCores, ThoseThatTheThreadMayRunOn) {
  std::thread([] {  // the mask of a thread of its own
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    EXPECT_GE(usableCores(), 1u);
    EXPECT_LE(usableCores(), static_cast<unsigned>(CPU_COUNT(&before)));
    int first = 0;
    while (!CPU_ISSET(first, &before)) ++first;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(usableCores(), 1u);
  }).join();
}

}  // namespace
}  // namespace vigil::runtime
