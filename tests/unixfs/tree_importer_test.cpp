// Events and CIDs in these tests are Kubo 0.42's answers to the same uploads.
#include "unixfs/import/tree_importer.hpp"

#include "tests/unixfs/import_fixture.hpp"

#include <ostream>

namespace masu::unixfs {

struct Event {
  std::string name, cid;
  std::uint64_t tsize;
  friend bool operator==(const Event&, const Event&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Event& event) {
    return out << "{\"" << event.name << "\", \"" << event.cid << "\", " << event.tsize << "}";
  }
};

namespace {

using test::ByteStream;
using test::ImportFixture;
using Kind = ImportEntry::Kind;

struct Entry {
  std::string path;
  std::string text;  // of a file; the target of a symlink
  Kind kind = Kind::file;
  Metadata metadata = {};
};
Entry directory(std::string path, Metadata metadata = {}) {
  return {std::move(path), {}, Kind::directory, metadata};
}
Entry symlink(std::string path, std::string target, Metadata metadata = {}) {
  return {std::move(path), std::move(target), Kind::symlink, metadata};
}

struct Upload : ImportFixture {
  using ImportFixture::ImportFixture;

  Result<std::vector<Event>> add(const std::vector<Entry>& entries) {
    events.clear();
    TreeImporter tree(options, sink, memory(), spill);
    for (const Entry& entry : entries) {
      if (auto added = add(tree, entry); !added) return std::unexpected(added.error());
    }
    if (auto ended = end_root(tree); !ended) return std::unexpected(ended.error());
    return events;
  }
  void expect(const std::vector<Entry>& entries, const std::vector<Event>& expected) {
    const auto added = add(entries);
    ASSERT_TRUE(added) << added.error().text;
    EXPECT_EQ(*added, expected);
    EXPECT_EQ(heap_account.live_bytes(), 0u);
    EXPECT_EQ(chunk_account.live_bytes(), 0u);
    EXPECT_EQ(spill.live_bytes, 0u);
  }

  ImportOptions options;
  std::vector<Event> events;
  std::vector<Cid> roots;

 private:
  Result<> add(TreeImporter& tree, const Entry& entry) {
    const ImportEntry header{entry.kind, entry.path, entry.text, entry.metadata};
    const auto another = tree.begins_root(header);
    if (!another) return std::unexpected(another.error());
    if (*another) {
      if (auto ended = end_root(tree); !ended) return ended;
    }
    if (auto begun = tree.begin(header); !begun) return begun;
    if (entry.kind == Kind::file) {
      if (auto fed = tree.feed(chain(as_bytes(entry.text))); !fed) return fed;
      if (auto ended = tree.end_file(); !ended) return ended;
    }
    return take_events(tree);
  }
  Result<> end_root(TreeImporter& tree) {
    if (auto ended = tree.end_root(); !ended) return ended;
    if (auto taken = take_events(tree); !taken) return taken;
    roots.push_back(tree.root().cid);
    return {};
  }
  Result<> take_events(TreeImporter& tree) {
    while (true) {
      const auto event = tree.next_event();
      if (!event) return std::unexpected(event.error());
      if (!*event) return {};
      events.push_back({std::string((*event)->name), (*event)->node.cid.to_string(), (*event)->node.tsize});
    }
  }
};

const std::vector<Entry> tree = {directory("q"),      {"q/b", "y"},   {"q/e/x", "x"}, directory("q/f"),
                                 symlink("q/l", "b"), {"r", "hello"}, {"", "hi"}};

TEST(TreeImporterTest, RootsFilesAndDirectoriesInKubosOrder) {
  Upload upload;
  upload.expect(tree, {
                          {"q/b", "QmTwEE2eSyzcvUctxP2negypGDtj7DQDKVy8s3Rvp6y6Pc", 9},
                          {"q/e/x", "QmULKig5Fxrs2sC4qt9nNduucXfb92AFYQ6Hi3YRqDmrYC", 9},
                          {"q/l", "QmfLJN6HLyREnWr7QQNmgmuNziUhcbwUopkHQ8gD3pMfp6", 7},
                          {"q/e", "Qmd31Yc93bam5GR22agu3rexdv9rNHQucXf5epxEp1DHBp", 56},
                          {"q/f", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", 4},
                          {"q", "QmXEcsho1tFFGgxpQ7FVhZUt5mRPfC39SaVcTX22H4PErM", 252},
                          {"r", "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", 13},
                          {"QmdckCoPuhEtiNzREtqpYn8dBgY8ifcG82Q4eyEdGCLEiu",
                           "QmdckCoPuhEtiNzREtqpYn8dBgY8ifcG82Q4eyEdGCLEiu", 10},
                      });
  ASSERT_EQ(upload.roots.size(), 3u);
  EXPECT_EQ(upload.roots[0].to_string(), "QmXEcsho1tFFGgxpQ7FVhZUt5mRPfC39SaVcTX22H4PErM");
  EXPECT_EQ(upload.roots[1].to_string(), "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX");
}

TEST(TreeImporterTest, WrappedIntoOneDirectory) {
  Upload upload;
  upload.options.wrap = true;
  upload.expect(tree, {
                          {"q/b", "QmTwEE2eSyzcvUctxP2negypGDtj7DQDKVy8s3Rvp6y6Pc", 9},
                          {"q/e/x", "QmULKig5Fxrs2sC4qt9nNduucXfb92AFYQ6Hi3YRqDmrYC", 9},
                          {"q/l", "QmfLJN6HLyREnWr7QQNmgmuNziUhcbwUopkHQ8gD3pMfp6", 7},
                          {"r", "QmWfVY9y3xjsixTgbd9AorQxH7VtMpzfx2HaWtsoUYecaX", 13},
                          {"QmdckCoPuhEtiNzREtqpYn8dBgY8ifcG82Q4eyEdGCLEiu",
                           "QmdckCoPuhEtiNzREtqpYn8dBgY8ifcG82Q4eyEdGCLEiu", 10},
                          {"q/e", "Qmd31Yc93bam5GR22agu3rexdv9rNHQucXf5epxEp1DHBp", 56},
                          {"q/f", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", 4},
                          {"q", "QmXEcsho1tFFGgxpQ7FVhZUt5mRPfC39SaVcTX22H4PErM", 252},
                          {"", "QmdrcscEnQkGiNqNPh573W3kTZ67cDBYrHRgaYzycSMkme", 454},
                      });
  EXPECT_EQ(upload.roots.size(), 1u);
}

TEST(TreeImporterTest, NothingWrappedIsAnEmptyDirectory) {
  Upload upload;
  upload.options.wrap = true;
  upload.expect({}, {{"", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", 4}});
}

TEST(TreeImporterTest, EmptyDirectoriesAreLeftOutWhenAsked) {
  Upload upload;
  upload.options.keep_empty_directories = false;
  upload.expect({directory("q"),
                 {"q/b", "y"},
                 {"q/e/x", "x"},
                 directory("q/f"),
                 directory("s/t/u"),
                 {"s/v", "1"},
                 directory("w")},
                {
                    {"q/b", "QmTwEE2eSyzcvUctxP2negypGDtj7DQDKVy8s3Rvp6y6Pc", 9},
                    {"q/e/x", "QmULKig5Fxrs2sC4qt9nNduucXfb92AFYQ6Hi3YRqDmrYC", 9},
                    {"q/e", "Qmd31Yc93bam5GR22agu3rexdv9rNHQucXf5epxEp1DHBp", 56},
                    {"q", "QmX394yDWYz5rZBug8G9G1shFaeA33HZMQrBhG4Fyib6Pq", 155},
                    {"s/v", "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc", 9},
                    {"s/t", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", 4},
                    {"s", "Qmeaw3xKDW1MoyKXcNRKtrBXpPSzY5rXdt1y7MmT5ERyC3", 103},
                    {"w", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", 4},
                });
}

TEST(TreeImporterTest, SiblingsComeByNameAlsoWhenOneIsTheStartOfAnother) {
  Upload upload;
  upload.expect({{"q/a/b/c", "1"}, {"q/a!", "2"}, {"q/ab/d", "3"}, {"q/a/z", "4"}},
                {
                    {"q/a/b/c", "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc", 9},
                    {"q/a!", "QmT9SanPHnSH5AsBqy2xZbstw4rAw5znFPkmjkvDCMdVuF", 9},
                    {"q/ab/d", "QmY4ZaCGXPTqRmTVEGSC6PPMgniAhMD1wPBTH7PeU3qtAf", 9},
                    {"q/a/z", "QmWqWDjT7xKR2z89nbeF8TL7fYi8jMrv3DNvPwgoQWe5gn", 9},
                    {"q/a/b", "QmQkRqVVHwGNubnC1cfZLSuUHprnC31UMvmBNgQYyHHSgt", 56},
                    {"q/a", "QmNp51wZpy95k4Loy3chzgm8zCZiJEEosh5ic56z2313BW", 155},
                    {"q/ab", "QmfAfmZGrhCinXtzCHyDHEuUnBFMxLttHYRRS5Fevt2U2M", 56},
                    {"q", "QmbtT9SMx6sjCMcLCsLfvqDMcFdyB7pn5hdf6zPEXoynN8", 356},
                });
}

TEST(TreeImporterTest, ADirectoryMayComeInParts) {
  Upload upload;
  upload.options.wrap = true;
  upload.expect({{"q/a/b", "1"}, {"q/b", "2"}, {"q/a/c", "3"}},
                {
                    {"q/a/b", "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc", 9},
                    {"q/b", "QmT9SanPHnSH5AsBqy2xZbstw4rAw5znFPkmjkvDCMdVuF", 9},
                    {"q/a/c", "QmY4ZaCGXPTqRmTVEGSC6PPMgniAhMD1wPBTH7PeU3qtAf", 9},
                    {"q/a", "QmaYK5ma864pQDFqdr7YTRPPcgA8a67reyLLKLSxbhb3Qs", 108},
                    {"q", "QmPbbadRPA3n23ZX1nqRVVR31xyiZ3XNw8uBJM7ouyByWF", 207},
                    {"", "QmXvnvRw4QTFnRf9uMtD5kJkNLJqKK2v7mS4N6UU5BmxPm", 255},
                });
  Upload nested;
  nested.expect({directory("p/q"), {"p/q/a", "1"}, directory("p/q"), {"p/q/b", "2"}},
                {
                    {"p/q/a", "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc", 9},
                    {"p/q/b", "QmT9SanPHnSH5AsBqy2xZbstw4rAw5znFPkmjkvDCMdVuF", 9},
                    {"p/q", "QmSE4g4pia7GbFW2ofMDyupSHSjrnYpj46L2BhWoYXBRQ4", 108},
                    {"p", "QmaPpp2xhT67Sbvm8hXV1gEhbk7gKVTGSoVeUvwYPWr91V", 155},
                });
}

TEST(TreeImporterTest, ARootThatIsGivenAgainIsAnother) {
  Upload upload;
  upload.expect({directory("q"), {"q/a", "1"}, directory("q"), {"q/b", "2"}},
                {
                    {"q/a", "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc", 9},
                    {"q", "QmWFu3BvSmHPueWKnpqxZtLkgYd9QPYsHCVcMkUi2vyppi", 56},
                    {"q/b", "QmT9SanPHnSH5AsBqy2xZbstw4rAw5znFPkmjkvDCMdVuF", 9},
                    {"q", "QmUGBeJviYHVYb8oMCD5LPudb7xs9Z3h7EC862a1HhXpnW", 56},
                });
}

TEST(TreeImporterTest, PathsAreCleaned) {
  Upload upload;
  upload.expect({{"q/../r/./a", "1"}, {"/s//b", "2"}, {"../../t", "1"}},
                {
                    {"r/a", "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc", 9},
                    {"r", "QmWFu3BvSmHPueWKnpqxZtLkgYd9QPYsHCVcMkUi2vyppi", 56},
                    {"s/b", "QmT9SanPHnSH5AsBqy2xZbstw4rAw5znFPkmjkvDCMdVuF", 9},
                    {"s", "QmUGBeJviYHVYb8oMCD5LPudb7xs9Z3h7EC862a1HhXpnW", 56},
                    {"t", "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc", 9},
                });
}

TEST(TreeImporterTest, ADirectoryWithoutANameHoldsEverything) {
  Upload upload;
  upload.expect({directory(""), {"a", "1"}, {"b", "2"}},
                {
                    {"a", "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc", 9},
                    {"b", "QmT9SanPHnSH5AsBqy2xZbstw4rAw5znFPkmjkvDCMdVuF", 9},
                    {"", "QmSE4g4pia7GbFW2ofMDyupSHSjrnYpj46L2BhWoYXBRQ4", 108},
                });
  upload.options.wrap = true;
  EXPECT_EQ(upload.add({directory(""), {"a", "1"}}).error().text, "no path given to Mkdir");
}

TEST(TreeImporterTest, ModeAndTimeOfTheEntriesAreKeptWhenAsked) {
  const std::vector<Entry> entries = {
      directory("q", {.mode = 0755, .mtime = Timestamp{1600000000, 0}}),
      {"q/a", "1", Kind::file, {.mode = 0640, .mtime = Timestamp{1700000000, 5}}},
      directory("q/e", {.mode = permissions_of_go_mode(020000000700), .mtime = Timestamp{0, 0}}),
      symlink("q/e/l", "a", {.mode = permissions_of_go_mode(01000000777), .mtime = Timestamp{7, 0}}),
      {"q/i/x", "2", Kind::file, {.mode = 0, .mtime = Timestamp{-3, 0}}}};
  Upload upload;
  upload.options.preserve_mode = upload.options.preserve_mtime = true;
  upload.expect(entries, {
                             {"q/a", "QmWcUa9cNxjHJUsxZ7fAxrQY51BLHCo5hRjT2kJbcNAyjB", 25},
                             {"q/e/l", "QmeEteFPJVcsq3vTEjMF7NqZomHEAmL6qiTQ7P1GzsqWLa", 11},
                             {"q/i/x", "QmQKtVLqHLkNYrHXafTesHstync4T3277rfYsb6TNNX8kW", 22},
                             {"q/e", "QmQkZjJvipcVo3bwz8gwaX655WocGyqeU8itEjK2HQropE", 65},
                             {"q/i", "QmbaDg4J7VdMv7UQRpLvUtY16kP7rNcHkYgNs7VrWVChgP", 69},
                             {"q", "Qmdxv2n6dxQkt4aqp6fVWUc6DiykjxhWdRaAe32ibRkJzA", 303},
                         });
  Upload plain;
  EXPECT_EQ(plain.add(entries)->front().cid, "QmWYddCPs7uR9EvHNCZzpguVFVNfHc6aM3hPVzPdAEESMc");
}

TEST(TreeImporterTest, OneModeAndTimeForAll) {
  Upload upload;
  upload.options.metadata = {.mode = 0755, .mtime = Timestamp{3, 0}};
  upload.expect({{"q/a", "1"}, symlink("q/l", "a")},
                {
                    {"q/a", "QmZg5YY4U5SgnqE3DtmWbL4GaL5k4D6BGA4SqFjWTCquZy", 16},
                    {"q/l", "QmVty6UR4bi7SCksnDKpDs5WQp8qg44wTHoakfYwgkhF7n", 11},
                    {"q", "QmZEgiXKrVRAdxN4SBYcDQoSpi1eq52GuFGzm2PZdzxn5u", 124},
                });
  upload.options.wrap = true;
  upload.expect({{"q/a", "1"}}, {
                                    {"q/a", "QmZg5YY4U5SgnqE3DtmWbL4GaL5k4D6BGA4SqFjWTCquZy", 16},
                                    {"q", "QmXxmzqj9C3vw8kWxY6BaYoUyF5TGkbgvs4G1RMfLQDWZf", 70},
                                    {"", "QmQwBWW1HePqbPRN3RGhD1xHW1VvMR1uwj7LC9CjvdUz4U", 124},
                                });
}

TEST(TreeImporterTest, OneNameTwiceIsAnError) {
  for (const std::vector<Entry>& entries : {
           std::vector<Entry>{{"q/a", "1"}, {"q/a", "2"}},
           std::vector<Entry>{{"q/a", "1"}, {"q/c", "1"}, {"q/a/b", "2"}},
           std::vector<Entry>{{"q/a/b", "1"}, {"q/a", "1"}},
           std::vector<Entry>{directory("q/a"), {"q/a", "1"}},
           std::vector<Entry>{{"q/a", "1"}, directory("q/a")},
       }) {
    Upload upload;
    const auto added = upload.add(entries);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().text, "directory already has entry by that name");
  }
}

TEST(TreeImporterTest, PathsThatCannotBeAreRefused) {
  Upload upload;
  EXPECT_EQ(upload.add({{std::string(4097, 'a'), "1"}}).error().code, ErrorCode::limit);
  EXPECT_EQ(upload.add({{std::string("a\0b", 3), "1"}}).error().code, ErrorCode::invalid);
  EXPECT_TRUE(upload.add({{std::string(4096, 'a'), "1"}}));
  EXPECT_TRUE(upload.add({{"q/" + std::string(4094, 'a'), "1"}}));
}

std::vector<Entry> many_entries(std::uint64_t seed, std::size_t count) {
  ByteStream random(seed);
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    std::string path = "r";
    for (std::uint64_t depth = random.number(6); depth > 0; --depth) {
      path += "/d" + std::to_string(random.number(4));
    }
    entries.push_back({path + "/f" + std::to_string(i), std::to_string(random.number(50))});
  }
  return entries;
}

TEST(TreeImporterTest, TheOrderOfEntriesAndSpillingChangeNoCid) {
  std::vector<Entry> entries = many_entries(5, 3000);
  Upload whole, spilling;
  whole.options.wrap = spilling.options.wrap = true;
  whole.options.directory.links_max = spilling.options.directory.links_max = 20;
  const auto expected = whole.add(entries);
  ASSERT_TRUE(expected);
  ByteStream random(9);
  for (std::size_t i = entries.size(); i > 1; --i) std::swap(entries[i - 1], entries[random.number(i)]);
  spilling.gather_bytes = 20 * 1024;
  const auto got = spilling.add(entries);
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(expected->back(), got->back());
  EXPECT_LT(spilling.heap_account.peak_bytes(), 640u * 1024);
}

TEST(TreeImporterTest, ManyEntriesStayInThePlansBytes) {
  Upload upload(1536 * 1024, 2 << 20);
  upload.gather_bytes = 384 * 1024;
  upload.sink.keep = false;
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < 30'000; ++i) {
    entries.push_back({"tree/of/directories/" + std::to_string(i % 7) + "/file-" + std::to_string(i), ""});
  }
  const auto added = upload.add(entries);
  ASSERT_TRUE(added) << added.error().text;
  EXPECT_EQ(added->size(), 30'000u + 10);
}

TEST(TreeImporterTest, EveryFailureOfTheSinkIsAnError) {
  const std::vector<Entry> entries = many_entries(2, 60);
  std::uint64_t failing = 0;
  for (;; ++failing) {
    Upload upload;
    upload.sink.puts_until_failure = failing;
    const auto added = upload.add(entries);
    EXPECT_EQ(upload.heap_account.live_bytes(), 0u);
    EXPECT_EQ(upload.chunk_account.live_bytes(), 0u);
    if (added) break;
    EXPECT_EQ(added.error().code, ErrorCode::storage);
  }
  EXPECT_GT(failing, 60u);
}

TEST(TreeImporterTest, EveryRefusalOfMemoryIsAnError) {
  const std::vector<Entry> entries = many_entries(2, 60);
  std::size_t refused = 0;
  for (std::size_t quota = 8192;; quota += 97) {
    Upload upload(quota);
    const auto added = upload.add(entries);
    if (added) break;
    EXPECT_EQ(added.error().code, ErrorCode::out_of_memory);
    ++refused;
  }
  EXPECT_GT(refused, 20u);
}

TEST(TreeImporterTest, BlocksGoIntoAStoreUntilItIsToldToStop) {
  ImportFixture fixture;
  store::MemoryStore blocks;
  std::atomic<bool> stop = false;
  StoreSink sink(blocks, stop);
  TreeImporter importer({}, sink, fixture.memory(), fixture.spill);
  ASSERT_TRUE(importer.begin({Kind::file, "a", {}, {}}));
  ASSERT_TRUE(importer.feed(fixture.chain(as_bytes("hello"))));
  ASSERT_TRUE(importer.end_file());
  const auto event = importer.next_event();
  ASSERT_TRUE(event && *event);
  EXPECT_TRUE(*blocks.size((*event)->node.cid.hash()));
  stop = true;
  ASSERT_TRUE(*importer.begins_root({Kind::file, "b", {}, {}}));
  ASSERT_TRUE(importer.end_root());
  ASSERT_TRUE(importer.begin({Kind::file, "b", {}, {}}));
  EXPECT_EQ(importer.end_file().error().code, ErrorCode::stopped);
}

}  // namespace
}  // namespace masu::unixfs
