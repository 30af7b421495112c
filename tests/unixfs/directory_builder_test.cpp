// CIDs and sizes in these tests are what Kubo 0.42 answers to `add` of directories with these entries.
#include "unixfs/import/directory_builder.hpp"

#include "tests/unixfs/import_fixture.hpp"
#include "unixfs/import/hamt_writer.hpp"

#include <cstdio>

namespace masu::unixfs {
namespace {

using test::ByteStream;
using test::ImportFixture;

std::string numbered(const char* format, std::size_t number) {
  std::array<char, 80> text;
  return std::string(text.data(),
                     static_cast<std::size_t>(std::snprintf(text.data(), text.size(), format, number)));
}

std::vector<std::string> names_of(const char* format, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(numbered(format, i));
  return names;
}

// Builds directories whose entries are all the same empty file.
struct DirectoryFixture : ImportFixture {
  using ImportFixture::ImportFixture;

  ImportedNode empty_file() {
    BlockWriter writer(options.format, sink, memory());
    return *FileImporter(options.file, options.metadata, writer).finish();
  }
  Result<ImportedNode> build(const std::vector<std::string>& names) {
    const ImportedNode file = empty_file();
    BlockWriter writer(options.format, sink, memory());
    DirectoryBuilder builder(options.directory, options.metadata, writer, spill);
    for (const std::string& name : names) {
      if (auto added = builder.add(name, file); !added) return std::unexpected(added.error());
    }
    sharded = builder.sharded();
    return builder.finish();
  }
  void expect(const std::vector<std::string>& names, const char* cid, std::uint64_t tsize) {
    const auto node = build(names);
    ASSERT_TRUE(node) << node.error().text;
    EXPECT_EQ(node->cid.to_string(), cid);
    EXPECT_EQ(node->tsize, tsize);
    EXPECT_EQ(heap_account.live_bytes(), 0u);
    EXPECT_EQ(chunk_account.live_bytes(), 0u);
    EXPECT_EQ(spill.live_bytes, 0u);
  }

  ImportOptions options;
  bool sharded = false;
};

std::vector<std::string> shuffled(std::vector<std::string> names, std::uint64_t seed) {
  ByteStream random(seed);
  for (std::size_t i = names.size(); i > 1; --i) std::swap(names[i - 1], names[random.number(i)]);
  return names;
}

TEST(DirectoryBuilderTest, LinksAreSortedByTheBytesOfTheirNames) {
  DirectoryFixture fixture;
  const std::vector<std::string> names = {"b", "a", "ab", "a!", "B", "\xc3\xa9", "z", "aa"};
  const auto one = fixture.build(names), other = fixture.build(shuffled(names, 3));
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->cid, other->cid);
  EXPECT_EQ(one->cid.to_string(), "QmNYkgp1DKi3y8HArNhpzxR874d7LgcAJMoSN5HDrWWKHj");
}

TEST(DirectoryBuilderTest, AnEmptyDirectory) {
  DirectoryFixture fixture;
  fixture.expect({}, "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", 4);
}

// 4096 links of 30 + 34 bytes are 256 KiB.
TEST(DirectoryBuilderTest, ExactlyTheThresholdIsNotSharded) {
  DirectoryFixture fixture;
  std::vector<std::string> names = names_of("n%029zu", 4096);
  fixture.expect(names, "QmPykWDLKfzaEAESUmhN2WtawFsmCfVuf67DFn6TYoptMw", 319492);
  EXPECT_FALSE(fixture.sharded);
  names.back() = numbered("n%028zu", 4095);
  fixture.expect(names, "QmRRNquN8m9FFkMqajQbKbpiZgo8jxpxPdGzwxF66Dt3Fs", 319491);
  EXPECT_FALSE(fixture.sharded);
  names.back() = numbered("n%030zu", 4095);
  fixture.expect(names, "QmQJcyDQvMyZRER8NsipNSkmikAmmuG8c4fsXBqfiQqePh", 359980);
  EXPECT_TRUE(fixture.sharded);
}

TEST(DirectoryBuilderTest, TheBlockItselfMayBeWhatIsEstimated) {
  DirectoryFixture fixture;
  fixture.options = ImportOptions::unixfs_v1_2025();
  std::vector<std::string> names = names_of("n%029zu", 3541);
  names.push_back(std::string(61, 'z'));
  fixture.expect(names, "bafybeib7c5rfjiz4l3h42riisiegpdehpnzvm2gfkj5qtw263wxv4ywube", 262143);
  names.back() += 'z';
  fixture.expect(names, "bafybeidugwlwrfaq2i366pqy4db25sycpj3p25cchqk2aelseadq5oystm", 262144);
  EXPECT_FALSE(fixture.sharded);
  names.back() += 'z';
  fixture.expect(names, "bafybeiafq7so6wtqq5gg32jopnjh6swutob4nmjfaezsa77ka4cs6pue2e", 298807);
  EXPECT_TRUE(fixture.sharded);
}

TEST(DirectoryBuilderTest, TooManyLinksShardTooWithAnyFanout) {
  const std::vector<std::string> names = names_of("f%zu", 1000);
  struct Case {
    std::size_t links_max;
    std::uint32_t fanout;
    const char* cid;
    std::uint64_t tsize;
  };
  for (const Case& expected : {
           Case{10, 256, "QmcXAAqXvz7HpVxcTNPKpUibt8nvRd3m9xQozeXyMFooyx", 72811},
           Case{10, 16, "QmaJb7sadc5y4DVysVpr96uEhvmUrUcGmHPXa4GtKh7YpZ", 72603},
           Case{10, 8, "QmaZAo9KrsW6gNKsFrJsLL4KMVhaL8DxCLgEKhiZiRQUhk", 79305},
           Case{10, 1024, "QmYFCSzQCTLskxtXo9XNp4SBo7WAHnQbRqoMUmC2f8myq9", 93826},
           Case{999, 256, "QmcXAAqXvz7HpVxcTNPKpUibt8nvRd3m9xQozeXyMFooyx", 72811},
           Case{1000, 256, "QmQTV2CfXn9zTstQp9uhXBKS3JiaTxPLcoyVyY8Sjr1guo", 51894},
       }) {
    DirectoryFixture fixture;
    fixture.options.directory.links_max = expected.links_max;
    fixture.options.directory.fanout = expected.fanout;
    fixture.expect(shuffled(names, expected.fanout), expected.cid, expected.tsize);
  }
}

TEST(DirectoryBuilderTest, ModeAndTimeLieInTheRootShard) {
  DirectoryFixture fixture;
  fixture.options.directory.links_max = 10;
  fixture.options.metadata = {.mode = 0755, .mtime = Timestamp{1700000000, 0}};
  fixture.expect(names_of("f%zu", 1000), "QmfUmeEaXefjtsg232hJ1fcmZzb8jfU2teBzGp16itZH2R", 83827);
}

TEST(DirectoryBuilderTest, LongNames) {
  DirectoryFixture fixture;
  std::vector<std::string> names = names_of("%04zu", 3000);
  for (std::string& name : names) name += std::string(200, 'x');
  fixture.expect(names, "QmbiH17fCCcouVbih3rj5bgS9dx4DzxGKgu9bWYJBicbxk", 793732);
}

TEST(DirectoryBuilderTest, WhatSpillsIsTheSameDirectory) {
  const std::vector<std::string> names = shuffled(names_of("name-%zu", 20'000), 1);
  DirectoryFixture whole, spilling;
  whole.gather_bytes = 16 << 20;
  spilling.gather_bytes = 32 * 1024;
  const auto expected = whole.build(names), node = spilling.build(names);
  ASSERT_TRUE(expected && node);
  EXPECT_EQ(expected->cid, node->cid);
  EXPECT_LT(spilling.heap_account.peak_bytes(), 640u * 1024);
  EXPECT_GT(whole.heap_account.peak_bytes(), 1u << 20);
}

TEST(DirectoryBuilderTest, AHundredThousandEntriesStayInThePlansBytes) {
  DirectoryFixture fixture(1536 * 1024, 2 << 20);
  fixture.gather_bytes = 384 * 1024;
  fixture.sink.keep = false;
  const auto node = fixture.build(names_of("f%zu", 100'000));
  ASSERT_TRUE(node) << node.error().text;
  EXPECT_EQ(node->cid.to_string(), "QmS1toKMm5i38HZy12Ws4LARwtDM2EjW8c25MfmRES4dqP");
  EXPECT_EQ(node->tsize, 7983506u);
  EXPECT_TRUE(fixture.sharded);
  EXPECT_EQ(fixture.spill.live_bytes, 0u);
}

TEST(DirectoryBuilderTest, ANameThatComesTwiceIsAnError) {
  DirectoryFixture fixture;
  const auto plain = fixture.build({"a", "b", "a"});
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().text, "directory already has entry by that name");
  fixture.options.directory.links_max = 2;
  EXPECT_FALSE(fixture.build({"a", "b", "c", "a"}));
}

TEST(DirectoryBuilderTest, APlainDirectoryAboveTheBlockLimitIsAnError) {
  DirectoryFixture fixture;
  fixture.options.directory.threshold_bytes = 0;
  fixture.sink.keep = false;
  const auto node = fixture.build(names_of("%060zu", 25'000));
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().code, ErrorCode::limit);
}

TEST(DirectoryBuilderTest, FailuresOfSinkAndSpillSpaceAreErrors) {
  const std::vector<std::string> names = names_of("f%zu", 1000);
  std::uint64_t failing = 0;
  for (;; failing += 16) {
    DirectoryFixture fixture;
    fixture.options.directory.links_max = 10;
    const ImportedNode file = fixture.empty_file();
    fixture.sink.puts_until_failure = failing;
    BlockWriter writer({}, fixture.sink, fixture.memory());
    DirectoryBuilder builder(fixture.options.directory, {}, writer, fixture.spill);
    for (const std::string& name : names) ASSERT_TRUE(builder.add(name, file));
    if (builder.finish()) break;
  }
  EXPECT_GT(failing, 100u);
  for (std::uint64_t reads = 0;; ++reads) {
    DirectoryFixture fixture;
    fixture.gather_bytes = 16 * 1024;
    fixture.spill.reads_until_failure = reads;
    const auto node = fixture.build(names);
    if (node) break;
    EXPECT_EQ(node.error().code, ErrorCode::storage);
  }
  DirectoryFixture full;
  full.gather_bytes = 16 * 1024;
  full.spill.capacity_bytes = 40'000;
  EXPECT_EQ(full.build(names).error().code, ErrorCode::storage);
}

TEST(DirectoryBuilderTest, EveryRefusalOfMemoryIsAnError) {
  const std::vector<std::string> names = names_of("f%zu", 1000);
  std::size_t refused = 0;
  for (std::size_t quota = 1024;; quota += 1024) {
    DirectoryFixture fixture(quota);
    fixture.options.directory.links_max = 500;
    const auto node = fixture.build(names);
    if (node) break;
    EXPECT_EQ(node.error().code, ErrorCode::out_of_memory);
    ++refused;
  }
  EXPECT_GT(refused, 20u);
}

// Names whose murmur3 hashes are alike, as an attacker can make them, end in a stated error.
TEST(DirectoryBuilderTest, HashesThatAgreeOnAllLevelsAreTooDeep) {
  DirectoryFixture fixture;
  const ImportedNode file = fixture.empty_file();
  BlockWriter writer({}, fixture.sink, fixture.memory());
  HamtWriter shards(256, {}, writer);
  ASSERT_TRUE(shards.add(7, "a", file));
  const auto added = shards.add(7, "b", file);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().text, "sharded directory too deep");
}

TEST(DirectoryBuilderTest, HashesThatDifferOnTheLastLevelMakeAChainOfShards) {
  DirectoryFixture fixture;
  const ImportedNode file = fixture.empty_file();
  const std::uint64_t before = fixture.sink.puts;
  BlockWriter writer({}, fixture.sink, fixture.memory());
  HamtWriter shards(256, {}, writer);
  ASSERT_TRUE(shards.add(7, "a", file));
  ASSERT_TRUE(shards.add(8, "b", file));
  ASSERT_TRUE(shards.finish());
  EXPECT_EQ(fixture.sink.puts - before, 8u);
}

}  // namespace
}  // namespace masu::unixfs
