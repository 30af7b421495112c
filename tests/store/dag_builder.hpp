// DAGs for tests: small nodes of three codecs in a store, and what a plain walk over them gives.
#pragma once

#include "alloc/check.hpp"
#include "multiformats/digest.hpp"
#include "store/block_store.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace masu::store::test {

inline Cid cid_of(Codec codec, std::string_view block) {
  return Cid::v1(codec, *multihash_of(HashCode::sha2_256, as_bytes(block)));
}

inline void put_length(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

struct NamedLink {
  Cid cid;
  std::string name;
};

// A dag-pb block; `label` makes blocks differ.
inline std::string pb_block(const std::vector<NamedLink>& links, std::string_view label) {
  std::string block;
  for (const NamedLink& link : links) {
    std::string body("\x0a");
    put_length(body, link.cid.bytes().size());
    body.append(as_text(link.cid.bytes())).append("\x12");
    put_length(body, link.name.size());
    body.append(link.name);
    block.append("\x12");
    put_length(block, body.size());
    block.append(body);
  }
  block.append("\x0a");
  put_length(block, label.size());
  return block.append(label);
}

// A dag-cbor block: a list of the label and the links. Requires: label.size() < 24.
inline std::string cbor_block(const std::vector<NamedLink>& links, std::string_view label) {
  std::string block("\x9f");
  block.push_back(static_cast<char>(0x60 + label.size()));
  block.append(label);
  for (const NamedLink& link : links) {
    block.append("\xd8\x2a\x58");
    block.push_back(static_cast<char>(link.cid.bytes().size() + 1));
    block.push_back('\0');
    block.append(as_text(link.cid.bytes()));
  }
  return block.append("\xff");
}

// What is in a store, known beside it.
class DagBuilder {
 public:
  explicit DagBuilder(BlockStore& store) : store_(&store) {}

  Cid add(Codec codec, const std::vector<NamedLink>& links, std::string_view label) {
    const std::string block = codec == Codec::dag_pb     ? pb_block(links, label)
                              : codec == Codec::dag_cbor ? cbor_block(links, label)
                                                         : std::string(label);
    const Cid cid = cid_of(codec, block);
    MASU_CHECK(store_->put(cid.hash(), as_bytes(block)), "a test's store takes its blocks");
    links_[cid] = links;
    return cid;
  }
  Cid add(Codec codec, const std::vector<Cid>& links, std::string_view label) {
    std::vector<NamedLink> named;
    for (const Cid& link : links) named.push_back({link, ""});
    return add(codec, named, label);
  }

  // `count` nodes; each links to some that were made before, more often to the last ones. All are in nodes().
  void add_random(std::size_t count, std::uint64_t seed, std::size_t links_max = 6) {
    std::mt19937_64 random(seed);
    for (std::size_t i = 0; i < count; ++i) {
      const bool leaf = nodes_.empty() || random() % 3 == 0;
      const std::string label = "node " + std::to_string(seed % 1000) + " " + std::to_string(nodes_.size());
      std::vector<Cid> links;
      for (std::size_t l = 0; !leaf && l < 1 + random() % links_max; ++l) {
        const std::size_t reach =
            std::min<std::size_t>(nodes_.size(), random() % 2 == 0 ? 20 : nodes_.size());
        links.push_back(nodes_[nodes_.size() - 1 - random() % reach]);
      }
      nodes_.push_back(add(leaf                ? Codec::raw
                           : random() % 2 == 0 ? Codec::dag_pb
                                               : Codec::dag_cbor,
                           links, label));
    }
  }

  // The same, and a root over the last of them and some others.
  Cid add_random_dag(std::size_t count, std::uint64_t seed) {
    add_random(count, seed);
    std::vector<Cid> links;
    for (std::size_t i = 0; i < count; i += 1 + i / 2) links.push_back(nodes_[nodes_.size() - 1 - i]);
    nodes_.push_back(add(Codec::dag_pb, links, "root " + std::to_string(seed)));
    return nodes_.back();
  }

  const std::vector<Cid>& nodes() const { return nodes_; }
  const std::vector<NamedLink>& links_of(const Cid& cid) const { return links_.at(cid); }

  // Every CID below `root`, a node before its links, each once.
  std::vector<Cid> preorder(const Cid& root) const {
    std::vector<Cid> order;
    std::set<Cid> seen;
    walk(root, seen, order);
    return order;
  }
  std::set<Cid> below(const std::vector<Cid>& roots) const {
    std::set<Cid> seen;
    std::vector<Cid> order;
    for (const Cid& root : roots) walk(root, seen, order);
    return seen;
  }

 private:
  void walk(const Cid& root, std::set<Cid>& seen, std::vector<Cid>& order) const {
    std::vector<Cid> stack{root};
    while (!stack.empty()) {
      const Cid cid = stack.back();
      stack.pop_back();
      if (!seen.insert(cid).second) continue;
      order.push_back(cid);
      const auto found = links_.find(cid);
      if (found == links_.end()) continue;
      for (auto link = found->second.rbegin(); link != found->second.rend(); ++link)
        stack.push_back(link->cid);
    }
  }

  BlockStore* store_;
  std::map<Cid, std::vector<NamedLink>> links_;
  std::vector<Cid> nodes_;
};

}  // namespace masu::store::test
