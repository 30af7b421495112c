// Blocks out of the fuzzer's bytes, put into a store and read as everything they might be: file, directory,
// path and tar. Links name other blocks of the input by number, so that DAGs of any shape come out of it.
#include "tests/fuzz/fuzz_input.hpp"
#include "tests/unixfs/dag_source.hpp"
#include "unixfs/read/directory_reader.hpp"
#include "unixfs/read/file_reader.hpp"
#include "unixfs/read/resolver.hpp"
#include "unixfs/read/tar_export.hpp"

#include <cstdlib>

namespace {

using namespace masu;
using namespace masu::unixfs;

constexpr std::size_t blocks_max = 24;
constexpr std::size_t output_max = 1 << 16;
constexpr std::size_t gets_max = 2000;

// Stops a reader when the run has shown enough.
class Limit final : public StopSignal {
 public:
  explicit Limit(const test::DagSource& source) : source_(source) {}
  bool stopped() const override { return source_.gets > gets_max; }

 private:
  const test::DagSource& source_;
};

class Sink final : public ByteSink {
 public:
  Task<Result<>> write(TaskMemory, Bytes bytes) override { co_return count(bytes.size()); }
  Task<Result<>> write_chain(TaskMemory, ChunkChain chain) override { co_return count(chain.size()); }

 private:
  Result<> count(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > output_max) return fail(ErrorCode::stopped, "enough");
    return {};
  }
  std::size_t bytes_ = 0;
};

std::string some_text(FuzzInput& in, std::size_t most) {
  return std::string(as_text(in.take(in.byte() % most)));
}

// One block, whose links name blocks that were made before.
Cid make_block(FuzzInput& in, test::DagSource& source, const std::vector<Cid>& made) {
  const std::uint8_t kind = in.byte();
  if (kind % 5 == 0) return source.put(Codec::raw, some_text(in, 32));
  if (kind % 5 == 1) return source.put(Codec::dag_pb, some_text(in, 64));
  std::vector<test::TestLink> links;
  std::vector<std::uint64_t> sizes;
  std::map<std::uint32_t, test::TestLink> slots;
  const std::uint64_t fanout = std::uint64_t{8} << (in.byte() % 6);
  for (unsigned count = in.byte() % 6; count > 0 && !made.empty(); --count) {
    test::TestLink link{some_text(in, 6), made[in.byte() % made.size()], in.byte()};
    sizes.push_back(in.byte() % 40);
    // Names in their places, so that the checks behind are reached too.
    const std::uint64_t hash = hamt_hash(as_bytes(link.name));
    slots[link.name.empty() ? in.byte() % fanout : HamtShape(fanout).index(hash, in.byte() % 3)] = link;
    links.push_back(std::move(link));
  }
  if (kind % 5 == 2) return source.put(Codec::dag_pb, test::shard_block(fanout, slots));
  const auto type = static_cast<NodeType>(in.byte() % 7);
  if (in.byte() % 2 == 0) sizes.clear();
  std::optional<std::uint64_t> filesize;
  if (in.byte() % 2 == 0) filesize = in.byte();
  return source.put(Codec::dag_pb, test::dag_pb_block(links, test::unixfs_message(type, some_text(in, 16),
                                                                                  sizes, filesize)));
}

Task<> read_file(TaskMemory memory, const ReadContext& context, Cid root, std::uint64_t offset,
                 std::uint64_t bytes) {
  LoadedNode node;
  auto loaded = co_await node.load(memory, context, root);
  if (!loaded) co_return;
  FileReader reader(context, memory.resource());
  auto opened = co_await reader.open(memory, node);
  if (opened) opened = reader.set_range(offset, bytes);
  if (!opened) co_return;
  std::uint64_t given = 0;
  while (given < output_max) {
    Result<ChunkChain> chain = co_await reader.next(memory);
    if (!chain || chain->empty()) co_return;
    given += chain->size();
    if (given > bytes) std::abort();
  }
}

Task<> list(TaskMemory memory, const ReadContext& context, Cid root, bool rest) {
  LoadedNode node;
  auto loaded = co_await node.load(memory, context, root);
  if (!loaded) co_return;
  DirectoryReader reader(context, memory.resource(), DirectoryReader::Hint::shards_and_entries);
  if (!reader.open(node)) co_return;
  DirectoryEntry entry;
  for (int i = 0; i < 1000; ++i) {
    auto more = co_await reader.next(memory, entry);
    if (!more || !*more) co_return;
    if (rest) reader.rest();
  }
}

Task<> follow(TaskMemory memory, const ReadContext& context, ContentPath path) {
  static_cast<void>(co_await resolve(memory, context, std::move(path)));
}

Task<> archive(TaskMemory memory, const ReadContext& context, Cid root) {
  LoadedNode node;
  auto loaded = co_await node.load(memory, context, root);
  if (!loaded) co_return;
  static_cast<void>(announced_size(node));
  Sink sink;
  TarOptions options{.root_name = "root", .format = tar::Format::pax, .now = {}};
  static_cast<void>(co_await export_tar(memory, context, node, std::move(options), sink));
}

void run(Task<> task, test::DagSource& source) {
  test::DagTest::Listener listener;
  source.gets = 0;
  spawn(std::move(task), listener);
  source.run();
  if (!listener.done) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  FuzzInput in(data, size);
  test::DagTest dag;
  const std::uint64_t offset = in.byte(), bytes = in.byte();
  dag.source.fail_get = in.byte() % 64;
  std::vector<Cid> made;
  while (made.size() < blocks_max && !in.empty()) {
    const Cid cid = make_block(in, dag.source, made);
    made.push_back(cid);
  }
  if (made.empty()) return 0;
  const Limit limit(dag.source);
  const ReadContext context{dag.source, dag.holder, limit};
  const Cid root = made.back();
  run(read_file(dag.memory, context, root, 0, FileReader::whole), dag.source);
  run(read_file(dag.memory, context, root, offset, bytes), dag.source);
  run(list(dag.memory, context, root, offset % 2 == 0), dag.source);
  run(archive(dag.memory, context, root), dag.source);
  if (auto path = ContentPath::parse(root.to_string() + "/" +
                                     std::string(as_text(Bytes(data, std::min<std::size_t>(size, 40)))))) {
    run(follow(dag.memory, context, std::move(*path)), dag.source);
  }
  if (dag.holder.live_bytes() != 0) std::abort();
  return 0;
}
