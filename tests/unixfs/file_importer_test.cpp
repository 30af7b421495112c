// CIDs and sizes in these tests are what Kubo 0.42 answers to `add` of the same bytes with the same options.
#include "unixfs/import/file_importer.hpp"

#include "tests/unixfs/import_fixture.hpp"

namespace masu::unixfs {
namespace {

using test::ByteStream;
using test::ImportFixture;

struct Expected {
  std::size_t bytes;
  const char* cid;
  std::uint64_t tsize;
};

Result<ImportedNode> import_in(ImportFixture& fixture, const ImportOptions& options, std::size_t bytes,
                               std::size_t step) {
  BlockWriter writer(options.format, fixture.sink, fixture.memory());
  FileImporter importer(options.file, options.metadata, writer);
  ByteStream content;
  while (bytes > 0) {
    const std::vector<std::uint8_t> piece = content.take(std::min(bytes, step));
    bytes -= piece.size();
    if (auto fed = importer.feed(fixture.chain(piece)); !fed) return std::unexpected(fed.error());
  }
  return importer.finish();
}

void expect_imports(const ImportOptions& options, const std::vector<Expected>& cases,
                    std::size_t step = 100'000) {
  ASSERT_TRUE(options.check()) << options.check().error().text;
  for (const Expected& expected : cases) {
    ImportFixture fixture;
    const auto node = import_in(fixture, options, expected.bytes, step);
    ASSERT_TRUE(node) << node.error().text;
    EXPECT_EQ(node->cid.to_string(), expected.cid) << expected.bytes << " bytes";
    EXPECT_EQ(node->tsize, expected.tsize) << expected.bytes << " bytes";
    EXPECT_EQ(fixture.chunk_account.live_bytes(), 0u);
    EXPECT_EQ(fixture.heap_account.live_bytes(), 0u);
  }
}

ImportOptions with_leaves(std::size_t leaf_bytes, std::size_t links_max) {
  ImportOptions options;
  options.file.leaf_bytes = leaf_bytes;
  options.file.links_max = links_max;
  return options;
}

TEST(FileImporterTest, DefaultsAreKubos) {
  expect_imports({}, {{0, "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH", 6},
                      {1, "QmfJVypuq86wvAiE4Epb3oYJref6RvarUftEpSqrufBXi3", 9},
                      {262143, "QmeDNH3GKASe6voFmoT2VaLGpqatm2FUBN7RjTEU5QDic6", 262157},
                      {262144, "QmQVVhpNBe3ScF5tXsNMjwWQ6aJnijDZXyiw7TSYeeqhPd", 262158},
                      {262145, "QmaoQHye212hwNmaThPxJVKkvfJvgJzc7HJBvT1TKkKJiF", 262267},
                      {524288, "QmdQf6Ap6oXjmD7P3WCnf677DG9bVJRxVkw67g88xjGXz1", 524420},
                      {600000, "QmYAEt2WJGUSBChnZpzjVxojiNZg4oohdn4kAY8jsqzbgT", 600194}});
}

TEST(FileImporterTest, TheTreeIsBalancedOverThreeLevels) {
  expect_imports(with_leaves(64, 174),
                 {{5000, "QmYoUMRv8moFUXEs24Lsur1of85nokH1x4uEpapaiHfUEb", 9116},
                  {64 * 174, "QmScE5WuupKwYk61qMmyfyjaFM1yc37oytmiDFdHFX6Kxu", 20192},
                  {64 * 174 + 1, "QmUdhXmDS9TfWT4wxA9dfcBB4UvCyeJ5ZduPpfLdamhYK9", 20349},
                  {64 * 174 * 2, "QmZFF5C9sm6atpe4rmPfMw5aDEhYYUBCCsWreALMWkmPot", 40486},
                  {64 * 174 * 174, "QmbjnzcUMAqmjjwRTgvroYjUJi64UPFTmXWPVPyc1jfvX4", 3521595},
                  {64 * 174 * 174 + 1, "QmRpnymtBJqf53AyfsBS9TDG7BGR7qNofzgLxVNkq5N2tT", 3521805}});
}

TEST(FileImporterTest, SizesAroundFullNodes) {
  const std::vector<Expected> cases = {{1000, "QmR24f5FzAiZXGSPNVGfjhjWHXG3HzFNvCoPtKEEDuzHxy", 1011},
                                       {1001, "QmNvhrC8PCXjF7tnymkXqSy86qvL5HMzkGqMXA9wzyWKku", 1117},
                                       {5000, "QmUmkAgWHpS3YCJeNSjPej3ov9LxwgewFt46PqBT8TqFzv", 5292},
                                       {5001, "QmRBHH3CwJxjBFtZ6hvyjPDwGd8aTUYvnLnGtp4w8cReir", 5448},
                                       {25000, "Qma5kGVELTeS2hvfUKXBWeyF2zDxn7V3xyKt1MMPTA6f7t", 26698},
                                       {25001, "QmeCyhHzsJPKbxkSpWHJzGJin62iQrSex1sLCbWwMc3g39", 26907},
                                       {125000, "QmTxP93fFUEmFcxReBhhThjtJNrxs4Hae2LAxST77ScQaC", 133738},
                                       {125001, "QmbXkifuvZLbZZrDr2bRiB57WJG32wQV8pyeFYiqWSqsKQ", 133998}};
  for (const std::size_t step : {97u, 1000u, 16384u, 200'000u})
    expect_imports(with_leaves(1000, 5), cases, step);
  expect_imports(with_leaves(262144, 2),
                 {{600000, "QmYRvrCShETKgY25FkNpDJKv5sMGi88zUo7d6ftd6Fh1ok", 600306}});
}

TEST(FileImporterTest, RawLeavesAndVersionOne) {
  ImportOptions options;
  options.file.raw_leaves = true;
  expect_imports(options, {{0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", 0},
                           {5, "bafkreihczuymiz3lvb2nqk6cyelqpir77qae64zmn7utvbw7oshwz6rdoe", 5},
                           {600000, "QmNTnshnnDxtREv1Ya66ihh5Rts7un7xm9qTB8fLkrb6c2", 600158}});
  options.format.cid_version = 1;
  expect_imports(options, {{600000, "bafybeiab2rgghat3owdgl3ekajowzpte5vj7v2lv6hbougrm722t2z65um", 600158}});
  options.file.raw_leaves = false;
  expect_imports(options, {{600000, "bafybeieyaesypwqoxyr2ehetkug76cjstqw2mqpp6klphv6j67n4qk36w4", 600200}});
  expect_imports(ImportOptions::unixfs_v1_2025(),
                 {{0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", 0},
                  {1048576, "bafkreibdpzpsvzg6hlwc5h7z6gpqttwdytxnjlq577lumclhdnffinadhy", 1048576},
                  {1048577, "bafybeigrvfk67edy37gpjful4v57pftkewv5nlfacjyuvwgklahljse3ru", 1048681},
                  {3000000, "bafybeigzhtgi6y5pf54l4tbjq3ey5hszkqc3y2cplddl4q2p275zt5dmme", 3000159}});
}

TEST(FileImporterTest, OtherHashFunctions) {
  struct Case {
    const char* hash;
    const char* cid;
    std::uint64_t tsize;
  };
  for (const Case& expected : {
           Case{"blake2b-256", "bafykbzaceb3l4srxgwxrrn4q4otegggu32hiy3tx4mmgf3kkcop7bbrmj2fru", 300112},
           Case{"blake2b-160", "bafyjjzaccs2jjtipok6tcab5kax3fczitomj5ibszu", 300088},
           Case{"blake2s-256", "bafyobzacecrvz3hi7n4mzina7sivgabpi2mawzi4autt6eeaqw2txe47z3pok", 300112},
           Case{"blake3", "bafyb4id2ywvghyecf56ladgbq27y72gghgfshkklt5hsjt4kalbqgob6ai", 300108},
           Case{"sha1", "bafybcffz4u25ag2izk3usgye63k2qb6mgioeyma", 300084},
           Case{"sha2-512",
                "bafybgqgcfhb7sbftlbkmvltkbykcio22hi6otxmrhuijm3zxj6micedds3ezaxlkcjkntotstk7vvbfz42uv5byov52"
                "u4m"
                "wugp64esn36ryys",
                300172},
           Case{"sha3-256", "bafybmihtskpctfj4cfebuymwidg5acqvfx3vroee3dvarbr3l47jvbukl4", 300108},
           Case{"keccak-256", "bafybwicgtgwj2trvxb626lchz3faytitnti3hmvtgwqnsbn3nfn5ufgsda", 300108},
           Case{"dbl-sha2-256", "bafyfmigieo5z466pdh662x55uyhrxob5jd6fxmiyqazj447zpxwwxhmkde", 300108},
       }) {
    ImportOptions options;
    options.format = {.cid_version = 1, .hash = *hash_from_name(expected.hash), .inline_bytes_max = {}};
    options.file.raw_leaves = true;
    expect_imports(options, {{300000, expected.cid, expected.tsize}});
  }
}

TEST(FileImporterTest, SmallBlocksLieInTheirCid) {
  ImportOptions options;
  options.format.inline_bytes_max = 32;
  expect_imports(options, {{0, "bafyaabqkaqeaegaa", 6},
                           {5, "bafyaadikbmeaeeqfwak5563vdacq", 13},
                           {24, "bafyaaiakdyeaeeqywak5563vbfuxtg6ffsxfo4ztflijuurhpiio6lyyda", 32},
                           {26, "QmccLi8SReFGri9gfjmFReZUYyTLyXYDBdkQLaoRvytrZE", 34}});
  options.format.cid_version = 1;
  options.file.raw_leaves = true;
  expect_imports(options, {{5, "bafkqabnqcxppw5i", 5},
                           {32, "bafkqaifqcxppw5ijnf4zxrjmvzlxgmzk2cnfej32cdxs7zmlfjb7qpij4q", 32},
                           {33, "bafkreiezvbf4bowbksb2dwij77rqu5usflzd6utczewonk6btrvvc4u4li", 33}});
  options.format.inline_bytes_max = 128;
  options.file.leaf_bytes = 64;
  expect_imports(options, {{300, "bafybeibpr2yvsdvvmnpby4oe5ft7chicwm3tvaokiivlketo4a3ytvm2ha", 677}});
  options.format.cid_version = 0;
  options.file.raw_leaves = false;
  expect_imports(options, {{300, "QmWN5YQzig56iYJKrKMe5Eo9pRZQKy67jrwJ6D5Mc2ynj7", 757}});
}

TEST(FileImporterTest, InlinedBlocksAreNotStored) {
  ImportFixture fixture;
  ImportOptions options;
  options.format.inline_bytes_max = 32;
  ASSERT_TRUE(import_in(fixture, options, 5, 5));
  EXPECT_EQ(fixture.sink.puts, 0u);
}

TEST(FileImporterTest, ModeAndTimeGoIntoTheRoot) {
  ImportOptions options;
  options.metadata.mode = 0644;
  expect_imports(options, {{0, "QmVbxMPBZnYu7HqqMp9sHQqbY3tBvp5LhaXXmyiYxB2k2f", 9},
                           {5, "QmYGBdhdCcvE3j9BvvDxQE3RD3ipDHSxZjhHg5bjV2pZDh", 16},
                           {300000, "QmfUopjbHfEgQH5ZNZWZ8ESb22yDfJKAVSD4xp73BRx2J5", 300135}});
  options.metadata = {.mode = 0, .mtime = Timestamp{1700000000, 123456789}};
  expect_imports(options, {{5, "QmaYCjv8zWrZGYVmUBXR9HgKgaUekz9S3SsxWZeKf7BFUK", 26},
                           {300000, "QmcvnujztnhHiQGkdWKiEHf8sULEc88jecAFkDkdo2QU35", 300145}});
  options.metadata = {.mode = 0, .mtime = Timestamp{-5, 0}};
  expect_imports(options, {{5, "QmRgNz5FD2fVE6ienp4Tp58b6hrmGj348nW4wByqwFznX2", 26}});
}

TEST(FileImporterTest, MemoryDoesNotGrowWithTheFile) {
  ImportFixture fixture;
  fixture.sink.keep = false;
  BlockWriter writer({}, fixture.sink, fixture.memory());
  FileImporter importer({}, {}, writer);
  const std::vector<std::uint8_t> piece(1024 * 1024, 7);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(importer.feed(fixture.chain(piece)));
  const auto node = importer.finish();
  ASSERT_TRUE(node) << node.error().text;
  EXPECT_EQ(importer.file_bytes(), 64u << 20);
  // What is fed, the leaf that waits, and a chunk for each of two levels.
  EXPECT_LE(fixture.chunk_account.peak_bytes(), (1024 + 256 + 3 * 16) * 1024u);
  EXPECT_LE(fixture.heap_account.peak_bytes(), 64u * 1024);
}

TEST(FileImporterTest, PiecesOfAFewBytesDoNotHoldAChunkEach) {
  ImportFixture fixture;
  BlockWriter writer({}, fixture.sink, fixture.memory());
  FileImporter importer({}, {}, writer);
  ByteStream content;
  for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(importer.feed(fixture.chain(content.take(30))));
  const auto node = importer.finish();
  ASSERT_TRUE(node);
  EXPECT_EQ(node->cid.to_string(), "QmYAEt2WJGUSBChnZpzjVxojiNZg4oohdn4kAY8jsqzbgT");
  EXPECT_LE(fixture.chunk_account.peak_bytes(), 320u * 1024);
}

TEST(FileImporterTest, ASinkThatFailsAtAnyBlockIsAnError) {
  for (std::uint64_t failing = 0;; ++failing) {
    ImportFixture fixture;
    fixture.sink.puts_until_failure = failing;
    const auto node = import_in(fixture, with_leaves(1000, 5), 25001, 4096);
    EXPECT_EQ(fixture.chunk_account.live_bytes(), 0u);
    EXPECT_EQ(fixture.heap_account.live_bytes(), 0u);
    if (node) {
      EXPECT_EQ(failing, 26u + 6 + 3);  // leaves, nodes over them, the two levels above
      break;
    }
    EXPECT_EQ(node.error().code, ErrorCode::storage);
  }
}

TEST(FileImporterTest, EveryRefusalOfMemoryIsAnError) {
  std::size_t refused = 0;
  for (std::size_t quota = 0;; quota += 64) {
    ImportFixture fixture(quota);
    try {
      const auto node = import_in(fixture, with_leaves(1000, 5), 25001, 4096);
      if (node) break;
      EXPECT_EQ(node.error().code, ErrorCode::out_of_memory);
    } catch (const std::bad_alloc&) {  // the writer's own construction
    }
    ++refused;
  }
  EXPECT_GT(refused, 4u);
  for (std::size_t chunks = 0;; ++chunks) {
    ImportFixture fixture(16 << 20, (64 + chunks * 16) * 1024);
    BlockWriter writer({}, fixture.sink, fixture.memory());
    FileImporter importer(with_leaves(1000, 5).file, {}, writer);
    const std::vector<std::uint8_t> piece(25'001, 1);
    auto fed = importer.feed(fixture.chain(piece));
    const auto node = fed ? importer.finish() : Result<ImportedNode>(std::unexpected(fed.error()));
    if (node) break;
    EXPECT_EQ(node.error().code, ErrorCode::out_of_memory);
  }
}

TEST(FileImporterTest, ANodeAboveTheBlockLimitIsRefused) {
  ImportFixture fixture;
  fixture.sink.keep = false;
  const auto node = import_in(fixture, with_leaves(1, 100'000), 60'000, 10'000);
  ASSERT_FALSE(node);
  EXPECT_EQ(node.error().code, ErrorCode::limit);
}

}  // namespace
}  // namespace masu::unixfs
