// A sequence of upload entries: paths, kinds, bytes in pieces, options. Whatever comes, the importer ends in
// an error or in a root, and all memory comes back.
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/store/spill.hpp"
#include "unixfs/import/tree_importer.hpp"

#include <cstdlib>

namespace {

using namespace masu;
using namespace masu::unixfs;

Result<> drain(TreeImporter& tree) {
  while (true) {
    const auto event = tree.next_event();
    if (!event) return std::unexpected(event.error());
    if (!*event) return {};
    if ((*event)->name.size() > TreeImporter::path_bytes_max + 200) std::abort();
  }
}

Result<> end_root(TreeImporter& tree) {
  if (auto ended = tree.end_root(); !ended) return ended;
  return drain(tree);
}

// One entry of the upload, in pieces when it is a file.
Result<> add_entry(FuzzInput& in, TreeImporter& tree, ChunkPool& chunks, Account& holder) {
  const std::uint8_t choice = in.byte();
  const std::string path(as_text(in.take(choice >> 4)));
  const std::string target(as_text(in.take(choice & 3)));
  const auto kind = static_cast<ImportEntry::Kind>(choice % 3);
  const ImportEntry entry{kind, path, target, {.mode = in.word() & 07777u, .mtime = Timestamp{in.byte(), 0}}};
  const auto another = tree.begins_root(entry);
  if (!another) return std::unexpected(another.error());
  if (*another) {
    if (auto ended = end_root(tree); !ended) return ended;
  }
  if (auto begun = tree.begin(entry); !begun) return begun;
  if (kind != ImportEntry::Kind::file) return drain(tree);
  for (std::uint8_t pieces = in.byte() % 4; pieces > 0; --pieces) {
    ChunkChain piece;
    if (!piece.append_copy(chunks, holder, in.take(in.byte()))) return {};
    if (auto fed = tree.feed(std::move(piece)); !fed) return fed;
  }
  if (auto ended = tree.end_file(); !ended) return ended;
  return drain(tree);
}

ImportOptions choose_options(FuzzInput& in) {
  const std::uint8_t choice = in.byte();
  ImportOptions options;
  options.format.cid_version = choice & 1;
  options.wrap = choice & 2;
  options.keep_empty_directories = choice & 4;
  options.preserve_mode = options.preserve_mtime = choice & 8;
  if (choice & 16) options.format.inline_bytes_max = in.byte() % 129;
  if (choice & 32) options.directory.links_max = 1 + in.byte() % 8;
  if (choice & 64) options.directory.fanout = 8;
  if (choice & 128) options.file = {.raw_leaves = false, .leaf_bytes = 1u + in.byte() % 16, .links_max = 2};
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  static Budget budget("fuzz", 64 << 20);
  static Account pool_account(budget, "chunks", Lifetime::block, 16 << 20);
  static ChunkPool chunks(pool_account, 1024);
  Account heap_account(budget, "unixfs.import", Lifetime::request, 1 << 20);
  Account holder(budget, "unixfs.chunks", Lifetime::block, 4 << 20);
  AccountResource heap(heap_account);
  store::test::MemorySpill spill;
  std::atomic<bool> stop = false;
  HashOnlySink sink(stop);
  {
    const ImportOptions options = choose_options(in);
    if (!options.check()) std::abort();
    TreeImporter tree(options, sink, {heap, 1u + in.byte() * 64u, chunks, holder}, spill);
    bool going = true;
    while (going && !in.empty()) going = add_entry(in, tree, chunks, holder).has_value();
    if (going) static_cast<void>(end_root(tree));
  }
  if (heap_account.live_bytes() != 0 || holder.live_bytes() != 0 || spill.live_bytes != 0) std::abort();
  return 0;
}
