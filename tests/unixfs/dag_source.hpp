// DagSource: a BlockSource over blocks that a test puts in by hand. Gets are answered by run(), from a loop
// of its own, in the order they came; what is asked, hinted and held can be counted, and gets be made to
// fail.
#pragma once

#include "multiformats/digest.hpp"
#include "store/block_source.hpp"
#include "tests/unixfs/bytes.hpp"
#include "unixfs/dag/node.hpp"
#include "unixfs/read/loaded_node.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory_resource>
#include <set>
#include <string>
#include <vector>

namespace masu::unixfs::test {

class DagSource final : public store::BlockSource {
 public:
  explicit DagSource(ChunkPool& pool) : pool_(pool) {}

  // A block under the CID of its content.
  Cid put(Codec codec, std::string_view bytes) {
    const Cid cid = Cid::v1(codec, *multihash_of(HashCode::sha2_256, as_bytes(bytes)));
    blocks_[key(cid)] = std::string(bytes);
    return cid;
  }
  void remove(const Cid& cid) { blocks_.erase(key(cid)); }
  std::string_view block(const Cid& cid) const { return blocks_.at(key(cid)); }

  void get(const Cid& cid, Account& holder, store::BlockRequest& request) override {
    waiting_.push_back({cid, &holder, &request});
    under_way_max = std::max(under_way_max, waiting_.size());
    asked.push_back(cid.to_string());
  }
  void forget(store::BlockRequest& request) noexcept override {
    std::erase_if(waiting_, [&request](const Waiting& waiting) { return waiting.request == &request; });
    ++forgotten;
  }
  void prefetch(std::span<const Cid> cids) override {
    for (const Cid& cid : cids) hinted.push_back(cid.to_string());
  }

  // Answers one get; false: there is none.
  bool step() {
    if (waiting_.empty()) return false;
    const Waiting next = waiting_.front();
    waiting_.pop_front();
    ++gets;
    next.request->on_block(answer(next));
    return true;
  }
  void run() {
    while (step()) {
    }
  }

  std::vector<std::string> asked, hinted;
  std::size_t gets = 0, forgotten = 0, under_way_max = 0;
  std::size_t fail_get = 0;  // the n-th get fails, counted from 1
  store::StoreErrorCode fail_code = store::StoreErrorCode::io;

 private:
  struct Waiting {
    Cid cid;
    Account* holder;
    store::BlockRequest* request;
  };
  static std::string key(const Cid& cid) { return std::string(as_text(cid.hash_bytes())); }

  store::StoreResult<ChunkChain> answer(const Waiting& waiting) {
    using store::StoreErrorCode;
    if (gets == fail_get) return store::fail(fail_code, "the disk said no");
    std::string_view bytes;
    const Multihash hash = waiting.cid.hash();
    if (hash.is_identity()) {
      bytes = as_text(hash.digest());
    } else {
      const auto found = blocks_.find(key(waiting.cid));
      if (found == blocks_.end()) return store::fail(StoreErrorCode::not_found, waiting.cid.to_string());
      bytes = found->second;
    }
    ChunkChain chain;
    if (!chain.append_copy(pool_, *waiting.holder, as_bytes(bytes))) {
      return store::fail(StoreErrorCode::out_of_memory, "no chunk is left");
    }
    return chain;
  }

  ChunkPool& pool_;
  std::map<std::string, std::string> blocks_;
  std::deque<Waiting> waiting_;
};

// --- Blocks by hand ---

struct TestLink {
  std::string name;
  Cid cid;
  std::uint64_t tsize = 0;
};

inline std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}
inline std::string bytes_field(int number, std::string_view bytes) {
  return static_cast<char>(number << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}
inline std::string varint_field(int number, std::uint64_t value) {
  return static_cast<char>(number << 3) + varint(value);
}
inline std::string dag_pb_block(const std::vector<TestLink>& links, std::string_view data) {
  std::string out;
  for (const TestLink& link : links) {
    out += bytes_field(2, bytes_field(1, as_text(link.cid.bytes())) + bytes_field(2, link.name) +
                              varint_field(3, link.tsize));
  }
  return out + bytes_field(1, data);
}
inline std::string unixfs_message(NodeType type, std::string_view data = {},
                                  const std::vector<std::uint64_t>& sizes = {},
                                  std::optional<std::uint64_t> filesize = std::nullopt) {
  std::string out = varint_field(1, static_cast<std::uint64_t>(type));
  if (!data.empty()) out += bytes_field(2, data);
  if (filesize) out += varint_field(3, *filesize);
  for (const std::uint64_t size : sizes) out += varint_field(4, size);
  return out;
}
// A shard with its links in the order of their slots.
inline std::string shard_block(std::uint64_t fanout, const std::map<std::uint32_t, TestLink>& links,
                               std::uint64_t hash = murmur3_x64_64) {
  std::string bits(fanout / 8, '\0');
  std::vector<TestLink> list;
  unsigned digits = 1;
  while (std::uint64_t{1} << (4 * digits) < fanout) ++digits;
  for (const auto& [slot, link] : links) {
    char& byte = bits[bits.size() - 1 - slot / 8];
    byte = static_cast<char>(byte | 1 << slot % 8);
    std::string prefix;
    for (unsigned i = digits; i-- > 0;) prefix += "0123456789ABCDEF"[slot >> 4 * i & 15];
    list.push_back({prefix + link.name, link.cid, link.tsize});
  }
  bits.erase(0, std::min(bits.find_first_not_of('\0'), bits.size()));
  return dag_pb_block(list, unixfs_message(NodeType::hamt_shard) + bytes_field(2, bits) +
                                varint_field(5, hash) + varint_field(6, fanout));
}

// Memory, a source and a loop for readers.
class DagTest {
 public:
  class Flag final : public StopSignal {
   public:
    bool stopped() const override { return set; }
    bool set = false;
  };
  class Listener final : public TaskListener {
   public:
    void on_task_done(TaskOutcome outcome) noexcept override {
      done = true;
      out_of_memory = outcome == TaskOutcome::out_of_memory;
    }
    bool done = false;
    bool out_of_memory = false;
  };

  // A file as an importer makes it: leaves of `leaf_bytes`, `width` links in a node. Leaves are raw or
  // dag-pb.
  Cid put_file(std::string_view content, std::size_t leaf_bytes, std::size_t width, bool raw) {
    struct Part {
      Cid cid;
      std::uint64_t bytes;
    };
    std::vector<Part> parts;
    for (std::size_t at = 0; at < content.size() || parts.empty(); at += leaf_bytes) {
      const std::string_view leaf = content.substr(at, leaf_bytes);
      parts.push_back({raw ? source.put(Codec::raw, leaf)
                           : source.put(Codec::dag_pb, dag_pb_block({}, unixfs_message(NodeType::file, leaf,
                                                                                       {}, leaf.size()))),
                       leaf.size()});
    }
    while (parts.size() > 1) {
      std::vector<Part> above;
      for (std::size_t at = 0; at < parts.size(); at += width) {
        std::vector<TestLink> links;
        std::vector<std::uint64_t> sizes;
        std::uint64_t bytes = 0;
        for (std::size_t i = at; i < std::min(at + width, parts.size()); ++i) {
          links.push_back({"", parts[i].cid, parts[i].bytes});
          sizes.push_back(parts[i].bytes);
          bytes += parts[i].bytes;
        }
        above.push_back(
            {source.put(Codec::dag_pb, dag_pb_block(links, unixfs_message(NodeType::file, {}, sizes, bytes))),
             bytes});
      }
      parts = std::move(above);
    }
    return parts[0].cid;
  }

  Budget budget{"test", 256 << 20};
  Account pages{budget, "test.pages", Lifetime::block, 256 << 20};
  Account holder{budget, "test.blocks", Lifetime::block, 64 << 20};
  ChunkPool pool{pages, 4096};
  DagSource source{pool};
  Flag stop;
  ReadContext context{source, holder, stop};
  std::pmr::memory_resource& memory = *std::pmr::get_default_resource();
};

}  // namespace masu::unixfs::test
