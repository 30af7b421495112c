#include "alloc/fixed.hpp"

#include "alloc/smaps.hpp"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace masu {
namespace {

constexpr std::size_t mib = 1024 * 1024;

TEST(SmapsTest, ReadsTheFirstLineOfAMapping) {
  Mapping mapping;
  ASSERT_TRUE(parse_mapping("55ff1146c000-55ff11471000 r-xp 00002000 fe:00 247026    /usr/bin/cat", mapping));
  EXPECT_EQ(mapping.start, 0x55ff1146c000u);
  EXPECT_EQ(mapping.bytes(), 0x5000u);
  EXPECT_TRUE(mapping.readable && mapping.executable && !mapping.writable && !mapping.shared);
  EXPECT_EQ(mapping.backing, Mapping::Backing::file);
  ASSERT_TRUE(parse_mapping("7ffd0000-7ffd1000 rw-p 00000000 00:00 0  [stack]", mapping));
  EXPECT_EQ(mapping.backing, Mapping::Backing::stack);
  ASSERT_TRUE(parse_mapping("7ffd0000-7ffd1000 r-xp 00000000 00:00 0  [vdso]", mapping));
  EXPECT_EQ(mapping.backing, Mapping::Backing::kernel);
  ASSERT_TRUE(parse_mapping("7ffd0000-7ffd1000 rw-p 00000000 00:00 0 ", mapping));
  EXPECT_EQ(mapping.backing, Mapping::Backing::anonymous);
  ASSERT_TRUE(parse_mapping("ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0  [vsyscall]", mapping));
}

TEST(SmapsTest, PassesOverWhatIsNoMapping) {
  Mapping mapping;
  std::size_t bytes = 0;
  EXPECT_FALSE(parse_mapping("", mapping));
  EXPECT_FALSE(parse_mapping("Rss:                  20 kB", mapping));
  EXPECT_FALSE(parse_mapping("VmFlags: rd ex mr mw me", mapping));
  EXPECT_FALSE(parse_mapping("55ff-", mapping));
  EXPECT_FALSE(parse_mapping("55ff-66ff", mapping));
  EXPECT_FALSE(parse_mapping("55ff-66ff r", mapping));
  EXPECT_TRUE(parse_kib_field("Rss:                  20 kB", "Rss", bytes));
  EXPECT_EQ(bytes, 20u * 1024);
  EXPECT_FALSE(parse_kib_field("RssAnon:  20 kB", "Rss", bytes));
  EXPECT_FALSE(parse_kib_field("Rss:", "Rss", bytes));
  EXPECT_FALSE(parse_kib_field("Rss: x", "Rss", bytes));
}

TEST(SmapsTest, ALineLongerThanTheBufferIsCut) {
  char path[] = "/tmp/masu-lines-XXXXXX";
  const int file = mkstemp(path);
  const std::string text = "short\n" + std::string(5000, 'x') + "\nlast\n\nunended";
  ASSERT_EQ(write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(file);
  LineReader reader(path);
  std::vector<std::string> lines;
  for (std::string_view line; reader.next(line);) lines.emplace_back(line);
  unlink(path);
  ASSERT_EQ(lines.size(), 4u) << "a line without an end is none: the kernel writes whole ones";
  EXPECT_EQ(lines[0], "short");
  EXPECT_EQ(lines[1], std::string(lines[1].size(), 'x'));
  EXPECT_EQ(lines[2], "last");
  EXPECT_EQ(lines[3], "");
}

TEST(SmapsTest, AFileThatIsNotThereHasNoLines) {
  LineReader reader("/proc/self/no-such-file");
  std::string_view line;
  EXPECT_FALSE(reader.opened());
  EXPECT_FALSE(reader.next(line));
}

TEST(FixedTest, TheProcessIsReadWithoutAllocating) {
  const std::size_t library = process_box().count(Door::library).charged_bytes;
  const auto fixed = measure_fixed(process_box());
  const auto rss = read_process_rss();
  ASSERT_TRUE(fixed && rss);
  EXPECT_EQ(process_box().count(Door::library).charged_bytes, library);
  EXPECT_GT(fixed->code, 256u * 1024);
  EXPECT_GE(fixed->code_mapped, fixed->code);
  EXPECT_GT(fixed->data, 0u);
  EXPECT_GT(fixed->stacks, 0u);
  EXPECT_GE(rss->high_water, rss->now);
  EXPECT_GT(rss->anonymous, 0u);
  EXPECT_GT(rss->file, 0u);
}

#if defined(MASU_JEMALLOC)

TEST(FixedTest, NothingIsUnknownAndTheClassesAddUpToRss) {
  const auto fixed = measure_fixed(process_box());
  const auto rss = read_process_rss();
  ASSERT_TRUE(fixed && rss);
  EXPECT_LT(fixed->unknown, 64u * 1024);
  const std::size_t sum = fixed->known() + fixed->unknown + fixed->box;
  EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(rss->now), 1.0 * mib);
}

TEST(FixedTest, MemoryBehindTheBoxsBackIsUnknown) {
  const auto before = measure_fixed(process_box());
  void* hidden = mmap(nullptr, 4 * mib, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(hidden, MAP_FAILED);
  std::memset(hidden, 1, 4 * mib);
  const auto during = measure_fixed(process_box());
  munmap(hidden, 4 * mib);
  const auto after = measure_fixed(process_box());
  EXPECT_EQ(during->unknown - before->unknown, 4 * mib);
  EXPECT_EQ(after->unknown, before->unknown);
}

TEST(FixedTest, ThreadStacksAreStacks) {
  std::atomic<int> ready = 0;
  std::atomic<bool> go = false;
  const auto before = measure_fixed(process_box());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      volatile char deep[100 * 1024];
      for (std::size_t at = 0; at < sizeof(deep); at += 1024) deep[at] = 1;
      ++ready;
      ready.notify_one();
      go.wait(false);
    });
  }
  for (int seen = ready; seen < 4; seen = ready) ready.wait(seen);
  const auto during = measure_fixed(process_box());
  go = true;
  go.notify_all();
  for (std::thread& thread : threads) thread.join();
  // Not the difference: the C library keeps the stacks of threads that have ended, and uses them again.
  EXPECT_GE(during->stacks, 4u * 100 * 1024);
  EXPECT_EQ(during->unknown, before->unknown);
}

TEST(FixedTest, WhatIsResidentIsReadFast) {
  const auto exact = read_process_rss();
  const auto count = read_resident();
  ASSERT_TRUE(exact && count);
  EXPECT_NEAR(static_cast<double>(count->all), static_cast<double>(exact->now), 0.6 * mib);
  EXPECT_NEAR(static_cast<double>(count->file), static_cast<double>(exact->file), 0.6 * mib);
}

TEST(FixedTest, CodeIsDroppedAgainAndAgain) {
  const CleanCode code;
  EXPECT_GT(code.mapped_bytes(), 64u * 1024);
  for (int i = 0; i < 3; ++i) {
    const std::size_t before = read_process_rss()->file;
    code.drop();
    const std::size_t after = read_process_rss()->file;  // by then some of it is back
    if (i == 0) EXPECT_LT(after, before);
    EXPECT_LT(after, code.mapped_bytes());
  }
}

TEST(FixedTest, CodeThatIsCutComesBackInSmallerPieces) {
  // In a child: a cut is for good.
  EXPECT_EXIT(
      {
        const CleanCode code;
        const auto used = [&] {
          code.drop();
          for (int i = 0; i < 3; ++i) (void)measure_fixed(process_box());
          return measure_fixed(process_box())->code;
        };
        const std::size_t before = used();
        const std::size_t mapped = measure_fixed(process_box())->code_mapped;
        code.cut(page_bytes * 4);
        const std::size_t after = used();
        const bool same =
            measure_fixed(process_box())->code_mapped == mapped && CleanCode().mapped_bytes() > 0;
        std::_Exit(same && after < before ? 7 : 8);
      },
      testing::ExitedWithCode(7), "");
}

TEST(FixedTest, CleanCodeCanBeDroppedAndComesBack) {
  const auto before = measure_fixed(process_box());
  const std::size_t dropped = drop_clean_code_pages();
  const auto after = measure_fixed(process_box());
  EXPECT_GT(dropped, before->code / 2);
  EXPECT_LT(after->code, before->code);
  EXPECT_EQ(after->data, before->data) << "relocated and written pages stay";
}

#endif

}  // namespace
}  // namespace masu
