// An import of which each reservation of memory is refused once: an error that names what refused, nothing
// left of it, and the next import is as if nothing had been.
#include "tests/unixfs/import_fixture.hpp"
#include "unixfs/import/file_importer.hpp"
#include "unixfs/memory_guard.hpp"

#include <gtest/gtest.h>

namespace masu::unixfs {
namespace {

using test::ImportFixture;

// The root's CID as text.
Result<std::string> import_file(ImportFixture& fixture, Bytes content) {
  try {
    BlockWriter writer({}, fixture.sink, fixture.memory());
    FileImporter importer({}, {}, writer);
    for (std::size_t at = 0; at < content.size(); at += 50'000) {
      ChunkChain piece;
      if (!piece.append_copy(fixture.chunks, fixture.chunk_account,
                             content.subspan(at, std::min<std::size_t>(50'000, content.size() - at)))) {
        return std::unexpected(out_of_memory(fixture.chunk_account));
      }
      if (const auto fed = importer.feed(std::move(piece)); !fed) return std::unexpected(fed.error());
    }
    const auto node = importer.finish();
    if (!node) return std::unexpected(node.error());
    return node->cid.to_string();
  } catch (const std::bad_alloc&) {
    return std::unexpected(out_of_memory(fixture.chunk_account));
  }
}

bool names_an_account(const Budget& budget, std::string_view text) {
  bool names = false;
  budget.for_each_account([&](const Account& account) { names = names || text.contains(account.name()); });
  return names;
}

std::vector<std::size_t> live_bytes(const Budget& budget) {
  std::vector<std::size_t> live;
  budget.for_each_account([&](const Account& account) { live.push_back(account.live_bytes()); });
  return live;
}

TEST(RefusalWalkTest, EachReservationOfAnImport) {
  ImportFixture fixture;
  const std::vector<std::uint8_t> content(1'200'000, 7);
  const auto expected = import_file(fixture, content);
  ASSERT_TRUE(expected);
  const auto base = live_bytes(fixture.budget);
  std::size_t refusals = 0, failed = 0;
  for (std::uint32_t number = 1;; ++number) {
    fixture.budget.refuse_reservation(number);
    const auto imported = import_file(fixture, content);
    const bool refused = fixture.budget.refused_one();
    fixture.budget.refuse_reservation(0);
    if (!refused) break;
    ++refusals;
    if (imported) {
      EXPECT_EQ(*imported, *expected) << number;
    } else {
      ++failed;
      EXPECT_EQ(imported.error().code, ErrorCode::out_of_memory) << number;
      EXPECT_TRUE(names_an_account(fixture.budget, imported.error().text)) << imported.error().text;
    }
    ASSERT_EQ(live_bytes(fixture.budget), base) << number;
    if (number % 16 == 1) {
      const auto again = import_file(fixture, content);
      ASSERT_TRUE(again) << number << ": " << again.error().text;
      ASSERT_EQ(*again, *expected) << number;
    }
  }
  EXPECT_GT(refusals, 50u);
  EXPECT_GT(failed, 10u);
}

}  // namespace
}  // namespace masu::unixfs
