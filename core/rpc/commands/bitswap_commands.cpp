// `bitswap stat`, `stats bitswap`, `bitswap wantlist`.
//
// Lists may have thousands of entries: a copy of them lies in chunks while they are written, piece by piece.

#include "bitswap/bitswap.hpp"
#include "core/node.hpp"
#include "core/rpc/commands/commands.hpp"
#include "core/rpc/commands/go_text.hpp"
#include "core/rpc/commands/network.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace masu::core::rpc::commands {
namespace {

constexpr auto stat_options = std::to_array<OptionSpec>({
    {"verbose", "v", OptionType::boolean, "", "Print extra information."},
    {"human", "", OptionType::boolean, "", "Print sizes in human readable format (e.g., 1K 234M 2G)."},
});
constexpr auto wantlist_options = std::to_array<OptionSpec>({
    {"peer", "p", OptionType::text, "", "Specify which peer to show wantlist for. Default: self."},
});

// Entries of at most 255 bytes, as they were when they were copied.
class EntryList final : public bitswap::CidVisitor, public bitswap::PeerVisitor {
 public:
  EntryList(Call& call) : call_(call), offsets_(&call.memory()) {}

  bool complete() const { return complete_; }
  std::size_t size() const { return offsets_.size(); }
  Cid cid(std::size_t at) const {
    Entry entry;
    return *Cid::decode(read(at, entry));
  }
  PeerId peer(std::size_t at) const {
    Entry entry;
    return *PeerId::decode(read(at, entry));
  }
  // By their bytes.
  void sort() {
    std::ranges::sort(offsets_, [&](std::uint32_t a, std::uint32_t b) {
      Entry left, right;
      return as_text(read_at(a, left)) < as_text(read_at(b, right));
    });
  }

 private:
  using Entry = std::array<std::uint8_t, 255>;

  void on_cid(const Cid& cid) override { add(cid.bytes()); }
  void on_peer(const PeerId& peer) override { add(peer.bytes()); }
  void add(Bytes bytes) {
    const auto size = static_cast<std::uint8_t>(bytes.size());
    const std::size_t offset = entries_.size();
    Node& node = call_.node();
    complete_ = complete_ && entries_.append_copy(node.chunks(), node.block_account(), {&size, 1}) &&
                entries_.append_copy(node.chunks(), node.block_account(), bytes);
    if (complete_) offsets_.push_back(static_cast<std::uint32_t>(offset));
  }
  Bytes read(std::size_t at, Entry& entry) const { return read_at(offsets_[at], entry); }
  Bytes read_at(std::uint32_t offset, Entry& entry) const {
    std::uint8_t size = 0;
    entries_.copy_to(offset, {&size, 1});
    entries_.copy_to(offset + 1, MutableBytes(entry).first(size));
    return Bytes(entry).first(size);
  }

  Call& call_;
  ChunkChain entries_;
  std::pmr::vector<std::uint32_t> offsets_;
  bool complete_ = true;
};

// Text on its way to the client, some KiB at a time.
class TextOut {
 public:
  explicit TextOut(Call& call) : text_(&call.memory()) {}
  TextOut& operator<<(std::string_view text) {
    text_ += text;
    return *this;
  }
  TextOut& operator<<(std::uint64_t number) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return *this << std::string_view(digits.data(), end);
  }
  bool full() const { return text_.size() >= 4096; }
  Bytes bytes() const { return as_bytes(text_); }
  void clear() { text_.clear(); }

 private:
  std::pmr::string text_;
};

// The entries from `at` that there is room for.
void put_json_cids(TextOut& out, const EntryList& list, std::size_t& at) {
  for (; at < list.size() && !out.full(); ++at) {
    out << (at > 0 ? ",{\"/\":\"" : "{\"/\":\"") << list.cid(at).to_string() << "\"}";
  }
}
void put_text_cids(TextOut& out, const Call& call, std::string_view indent, const EntryList& list,
                   std::size_t& at) {
  for (; at < list.size() && !out.full(); ++at) out << indent << call.show(list.cid(at)) << "\n";
}

std::unexpected<CommandError> no_memory() { return fail("no memory for so long a list"); }

void begin_answer(Call& call) {
  call.set_single_value();
  call.set_content_type(call.text_encoding() ? "text/plain" : "application/json");
}

void put_text_head(TextOut& out, const Call& call, const bitswap::BitswapStat& stat, std::size_t wants) {
  const auto size = [&](std::uint64_t bytes) {
    return call.flag("human") ? humanize_bytes(bytes) : std::to_string(bytes);
  };
  out << "bitswap status\n\tblocks received: " << stat.blocks_received;
  out << "\n\tblocks sent: " << stat.blocks_sent;
  out << "\n\tdata received: " << size(stat.data_received) << "\n\tdata sent: " << size(stat.data_sent);
  out << "\n\tdup blocks received: " << stat.duplicate_blocks_received;
  out << "\n\tdup data received: " << size(stat.duplicate_data_received);
  out << "\n\twantlist [" << wants << " keys]\n";
}

void put_json_tail(TextOut& out, const bitswap::BitswapStat& stat) {
  out << "],\"BlocksReceived\":" << stat.blocks_received << ",\"DataReceived\":" << stat.data_received;
  out << ",\"DupBlksReceived\":" << stat.duplicate_blocks_received;
  out << ",\"DupDataReceived\":" << stat.duplicate_data_received;
  out << ",\"MessagesReceived\":" << stat.messages_received << ",\"BlocksSent\":" << stat.blocks_sent;
  out << ",\"DataSent\":" << stat.data_sent << "}\n";
}

Task<CommandResult> run_stat(TaskMemory memory, Call& call) {
  bitswap::Bitswap* const bitswap = call.node().bitswap();
  if (bitswap == nullptr) {
    co_return fail("unable to run offline: " + std::string(command_offline), ErrorKind::client);
  }
  const bitswap::BitswapStat stat = bitswap->stat();
  EntryList wants(call), peers(call);
  bitswap->visit_wants(wants);
  bitswap->visit_peers(peers);
  peers.sort();
  if (!wants.complete() || !peers.complete()) co_return no_memory();
  begin_answer(call);
  const bool text = call.text_encoding();
  TextOut out(call);
  if (text) {
    put_text_head(out, call, stat, wants.size());
  } else {
    out << "{\"Wantlist\":[";
  }
  for (std::size_t at = 0; at < wants.size();) {
    text ? put_text_cids(out, call, "\t\t", wants, at) : put_json_cids(out, wants, at);
    const bool listening = co_await call.write(memory, out.bytes());
    if (!listening) co_return CommandResult();
    out.clear();
  }
  if (text) {
    out << "\tpartners [" << std::uint64_t{peers.size()} << "]\n";
  } else {
    out << "],\"Peers\":[";
  }
  const std::size_t shown = text && !call.flag("verbose") ? 0 : peers.size();
  for (std::size_t at = 0; at < shown;) {
    for (; at < shown && !out.full(); ++at) {
      const std::string peer = peers.peer(at).to_string();
      text ? out << "\t\t" << peer << "\n" : out << (at > 0 ? ",\"" : "\"") << peer << "\"";
    }
    const bool listening = co_await call.write(memory, out.bytes());
    if (!listening) co_return CommandResult();
    out.clear();
  }
  if (!text) put_json_tail(out, stat);
  co_await call.write(memory, out.bytes());
  co_return CommandResult();
}

Task<CommandResult> run_wantlist(TaskMemory memory, Call& call) {
  bitswap::Bitswap* const bitswap = call.node().bitswap();
  if (bitswap == nullptr) co_return fail(std::string(command_offline));
  std::optional<PeerId> of;
  if (call.given("peer")) {
    const auto peer = parse_peer(call.text("peer"));
    if (!peer) co_return fail(peer.error());
    if (*peer != bitswap->self()) of = *peer;
  }
  EntryList wants(call);
  if (of) {
    bitswap->visit_wants_of(*of, wants);
  } else {
    bitswap->visit_wants(wants);
  }
  if (!wants.complete()) co_return no_memory();
  begin_answer(call);
  const bool text = call.text_encoding();
  TextOut out(call);
  // Kubo has no list for a peer that wants nothing.
  const bool null = of && wants.size() == 0;
  if (text) wants.sort();
  if (!text) out << (null ? "{\"Keys\":null" : "{\"Keys\":[");
  for (std::size_t at = 0; at < wants.size();) {
    text ? put_text_cids(out, call, "", wants, at) : put_json_cids(out, wants, at);
    const bool listening = co_await call.write(memory, out.bytes());
    if (!listening) co_return CommandResult();
    out.clear();
  }
  if (!text) out << (null ? "}\n" : "]}\n");
  co_await call.write(memory, out.bytes());
  co_return CommandResult();
}

}  // namespace

constexpr CommandSpec bitswap_stat{.path = "bitswap stat",
                                   .tagline = "Show some diagnostic information on the bitswap agent.",
                                   .options = stat_options,
                                   .run = run_stat};

constexpr CommandSpec stats_bitswap{.path = "stats bitswap",
                                    .tagline = "Show some diagnostic information on the bitswap agent.",
                                    .options = stat_options,
                                    .run = run_stat};

constexpr CommandSpec bitswap_wantlist{
    .path = "bitswap wantlist",
    .tagline = "Show blocks currently on the wantlist.",
    .description = "Print out all blocks currently on the bitswap wantlist for the local peer.",
    .options = wantlist_options,
    .run = run_wantlist};

}  // namespace masu::core::rpc::commands
